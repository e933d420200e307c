import type { ColumnBatch } from '../../contracts/data/column-batch.ts';
import { joinBatches, sliceOfBatch } from '../../contracts/data/column-batch.ts';
import { reasonOf } from '../../contracts/errors.ts';
import type { ShadowCount } from '../../contracts/serving/prediction.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Logger } from '../../ports/logger.ts';
import type { Answers } from '../../ports/model-format.ts';
import { answersFrom, distanceOf, valuesOf } from '../protocols/answers.ts';
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

/** Rows that are predicted and logged together. A request of more rows is predicted alone. */
const rowsTogether = 256;

const nothing = { compared: 0, failed: 0, dropped: 0, absoluteDifference: 0, beyond: 0 };

/**
 * Runs the shadow release on requests that the champion has answered: afterwards, from a bounded queue, so that no
 * answer is delayed. Waiting requests are predicted and logged together, because a call of the model or of the log costs
 * more than a row. The shadow's predictions are logged with the role `shadow` and compared with the champion's. They are
 * never returned to a caller.
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
      const questions = this.#take();
      if (questions.length === 0) return;
      await this.#compare(questions);
      for (const { answered } of questions) this.#waitingRows -= answered.ids.length;
    }
  }

  /** Takes the first waiting request, and as many of the next ones as can be predicted together with it. */
  #take(): ShadowQuestion[] {
    const [first] = this.#waiting;
    if (first === undefined) return [];
    let rows = 0;
    let count = 0;
    for (const { served, shadow, answered } of this.#waiting) {
      if (served !== first.served || shadow !== first.shadow) break;
      rows += answered.ids.length;
      if (count > 0 && rows > rowsTogether) break;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  /** Compares requests of one scope and shadow. */
  async #compare(questions: readonly ShadowQuestion[]): Promise<void> {
    const [first] = questions;
    if (first === undefined) return;
    let predicted;
    try {
      predicted = await predictTogether(first.shadow, questions);
    } catch (caught) {
      // One request must not fail the others, so each is predicted again on its own.
      if (questions.length > 1) for (const question of questions) await this.#compare([question]);
      else this.#failed(first, caught);
      return;
    }
    try {
      await this.#note(first, questions, predicted);
    } catch (caught) {
      this.#deps.logger.error({ err: caught, scope: first.served.label }, 'the answers of a shadow cannot be logged');
    }
  }

  #failed({ served, shadow, answered }: ShadowQuestion, caught: unknown): void {
    const { counts, logger } = this.#deps;
    counts.add(served, shadow, { ...nothing, failed: answered.ids.length });
    logger.debug({ scope: served.label, reason: reasonOf(caught) }, 'a shadow could not answer');
  }

  async #note(
    { served, shadow }: ShadowQuestion,
    questions: readonly ShadowQuestion[],
    predicted: Predicted,
  ): Promise<void> {
    const { counts, log, clock } = this.#deps;
    const tolerance = served.entry.shadowTolerance;
    counts.add(served, shadow, { ...nothing, ...differences(questions, predicted.predictions, tolerance) });
    const logged = loggedRows(questions, predicted);
    if (logged.length === 0) return;
    const stream = log.stream(served, shadow);
    const now = clock.now();
    await Promise.all(logged.map((rows) => log.append(stream, rows, now)));
  }
}

interface Predicted {
  readonly batch: ColumnBatch;
  readonly predictions: Answers;
}

async function predictTogether(shadow: ServedSlot, questions: readonly ShadowQuestion[]): Promise<Predicted> {
  const columns = await Promise.all(questions.map((question) => columnsOf(question)));
  const batch = joinBatches(columns.map((own) => own.batch));
  return { batch, predictions: await shadow.model.predict(batch) };
}

/** Returns the request's columns. If the shadow reads requests as the champion does, they have been read already. */
async function columnsOf({ served, shadow, columns, answered }: ShadowQuestion): Promise<Columns> {
  return served.champion.taken.reading === shadow.taken.reading ? answered.columns : columns(shadow.taken);
}

/** Returns the rows to log: those of all requests as one, or each request's own if the log keeps them apart. */
function loggedRows(questions: readonly ShadowQuestion[], { batch, predictions }: Predicted): AnsweredRows[] {
  const [first] = questions;
  if (first === undefined) return [];
  const { ignored } = first.answered.columns;
  const role = 'shadow';
  if (questions.every(({ logged, answered }) => logged && (questions.length === 1 || isPlain(answered)))) {
    const ids = questions.flatMap(({ answered }) => answered.ids);
    return [{ ...first.answered, role, columns: { batch, ignored }, predictions, ids }];
  }
  let from = 0;
  return questions.flatMap(({ answered, logged }) => {
    const to = from + answered.ids.length;
    const columns = { batch: sliceOfBatch(batch, from, to), ignored };
    const rows = { ...answered, role, columns, predictions: answersFrom(predictions, from, to) } as const;
    from = to;
    return logged ? [rows] : [];
  });
}

/** Whether the log keeps nothing of the request but its rows. */
function isPlain({ request, eventTimes, replay }: AnsweredRows): boolean {
  return request === undefined && eventTimes === undefined && !replay;
}

function differences(
  questions: readonly ShadowQuestion[],
  predictions: Answers,
  tolerance: number,
): Pick<ShadowCount, 'compared' | 'failed' | 'absoluteDifference' | 'beyond'> {
  let absoluteDifference = 0;
  let beyond = 0;
  let compared = 0;
  let failed = 0;
  const challenger = valuesOf(predictions);
  let row = 0;
  for (const { answered } of questions)
    for (const other of valuesOf(answered.predictions)) {
      const value = challenger[row++] ?? null;
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
