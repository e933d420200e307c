import { reasonOf } from '../../contracts/errors.ts';
import type { ShadowCount } from '../../contracts/serving/prediction.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Logger } from '../../ports/logger.ts';
import type { Answers } from '../../ports/model-format.ts';
import { distanceOf, valuesOf } from '../protocols/answers.ts';
import type { AnsweredRows } from '../log/answered-rows.ts';
import type { PredictionLog } from '../log/prediction-log.ts';
import type { ShadowCounts } from '../log/shadow-counts.ts';
import type { ServedScope, ServedSlot } from './serving-table.ts';
import type { Taken } from '../protocols/taken.ts';
import type { Columns } from '../protocols/tensor-columns.ts';

export interface ShadowDependencies {
  readonly log: Pick<PredictionLog, 'append' | 'stream'>;
  readonly counts: ShadowCounts;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Maximum number of waiting rows. Rows beyond it are not predicted and count as dropped. */
  readonly mostWaitingRows?: number;
}

/** A request that the champion has answered and the shadow will predict too. */
export interface ShadowQuestion {
  readonly served: ServedScope;
  readonly shadow: ServedSlot;
  readonly columns: (taken: Taken) => Columns | Promise<Columns>;
  readonly answered: AnsweredRows;
  /** Whether the champion's rows were logged; if so, the shadow's are logged too. */
  readonly logged: boolean;
}

const nothing = { compared: 0, failed: 0, dropped: 0, absoluteDifference: 0, beyond: 0 };

/**
 * Runs the shadow release on requests that the champion has answered: afterwards, one request at a time and from a
 * bounded queue, so that no answer is delayed. The shadow's predictions are logged with the role `shadow` and compared
 * with the champion's. They are never returned to a caller.
 */
export class Shadow {
  readonly #deps: Required<ShadowDependencies>;
  readonly #waiting: ShadowQuestion[] = [];
  #waitingRows = 0;
  #working: Promise<void> | undefined;

  constructor(deps: ShadowDependencies) {
    this.#deps = { mostWaitingRows: 10_000, ...deps };
  }

  /** Queues a request, or counts its rows as dropped if the queue is full. Returns immediately. */
  ask(question: ShadowQuestion): void {
    const rows = question.answered.ids.length;
    if (this.#waitingRows > 0 && this.#waitingRows + rows > this.#deps.mostWaitingRows) {
      this.#deps.counts.add(question.served, question.shadow, { ...nothing, dropped: rows });
      return;
    }
    this.#waiting.push(question);
    this.#waitingRows += rows;
    this.#working ??= this.#work().finally(() => (this.#working = undefined));
  }

  /** Waits until the queue is empty. */
  async idle(): Promise<void> {
    await this.#working;
  }

  async #work(): Promise<void> {
    for (;;) {
      // The caller's answer is sent first.
      await new Promise((resolve) => setImmediate(resolve));
      const question = this.#waiting.shift();
      if (question === undefined) return;
      await this.#compare(question);
      this.#waitingRows -= question.answered.ids.length;
    }
  }

  async #compare({ served, shadow, columns, answered, logged }: ShadowQuestion): Promise<void> {
    const { counts, logger, log, clock } = this.#deps;
    try {
      const own = await columns(shadow.taken);
      const predictions = await shadow.model.predict(own.batch);
      counts.add(served, shadow, {
        ...nothing,
        ...differences(answered.predictions, predictions, served.entry.shadowTolerance),
      });
      if (!logged) return;
      const rows: AnsweredRows = { ...answered, role: 'shadow', columns: own, predictions };
      await log.append(log.stream(served, shadow), rows, clock.now());
    } catch (caught) {
      counts.add(served, shadow, { ...nothing, failed: answered.ids.length });
      logger.debug({ scope: served.label, reason: reasonOf(caught) }, 'a shadow could not answer');
    }
  }
}

function differences(
  champion: Answers,
  challenger: Answers,
  tolerance: number,
): Pick<ShadowCount, 'compared' | 'failed' | 'absoluteDifference' | 'beyond'> {
  let absoluteDifference = 0;
  let beyond = 0;
  let compared = 0;
  let failed = 0;
  const champions = valuesOf(champion);
  for (const [row, value] of valuesOf(challenger).entries()) {
    const other = champions[row] ?? null;
    if (other === null) continue;
    if (value === null) {
      failed += 1;
      continue;
    }
    compared += 1;
    const difference = distanceOf(value, other);
    absoluteDifference += difference;
    if (difference > tolerance) beyond += 1;
  }
  return { compared, failed, absoluteDifference, beyond };
}
