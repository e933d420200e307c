import { PerennialError } from '../../contracts/errors.ts';
import type { Sha256 } from '../../contracts/identifiers.ts';
import type { Signature } from '../../contracts/models/signature.ts';
import type { PredictionRecord } from '../../contracts/serving/prediction.ts';
import type { Principal } from '../../contracts/access/principal.ts';
import type { Clock } from '../../ports/clock.ts';
import type { IdMaker } from '../../ports/ids.ts';
import type { Answers } from '../../ports/model-format.ts';
import { failureReason } from '../protocols/failure-reason.ts';
import type { GatewayMetrics, ModelLabels, SlotMetrics } from '../gateway-metrics.ts';
import { failsAlone } from '../protocols/own-failures.ts';
import type { PredictionLog } from '../log/prediction-log.ts';
import type { AnsweredRows } from '../log/answered-rows.ts';
import { readPredictionIds, readRehearsalParameters } from '../protocols/request-parameters.ts';
import { chooseSlot, slotOfRole } from './route-request.ts';
import type { ServingCounts } from '../log/serving-counts.ts';
import type { ServedScope, ServedSlot, ServingTable } from './serving-table.ts';
import type { Shadow } from './shadow.ts';
import type { Taken } from '../protocols/taken.ts';
import type { Columns } from '../protocols/tensor-columns.ts';

export interface InferenceQuestion {
  readonly served: ServedScope;
  readonly principal: Principal;
  /** Number of a pinned version, whatever its slot; `undefined`: the slot is chosen by weight. */
  readonly version: number | undefined;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** The caller's id of the request, which labels can use to refer to its predictions. */
  readonly requestId: string | undefined;
  /** Reads the request's rows. Throws `invalid-request` for rows that the version does not accept. */
  readonly columns: (taken: Taken) => Columns | Promise<Columns>;
}

export interface InferenceAnswer {
  readonly slot: ServedSlot;
  readonly signature: Signature;
  readonly predictions: Answers;
  readonly ids: readonly string[];
  /** Columns of the request that the version does not use. */
  readonly ignored: Columns['ignored'];
  readonly release: Sha256;
  readonly generation: number;
}

export interface InferenceDependencies {
  readonly table: ServingTable;
  readonly log: PredictionLog;
  readonly counts: ServingCounts;
  readonly metrics: GatewayMetrics;
  readonly shadow: Pick<Shadow, 'ask'>;
  readonly clock: Clock;
  readonly ids: IdMaker;
  readonly steadyNow: () => number;
  /** Returns a random number in [0, 1). */
  readonly random: () => number;
}

interface Chosen {
  readonly slot: ServedSlot;
  readonly role: PredictionRecord['role'];
}

function noAnswer(rows: number, reason: string): PerennialError {
  const whom = rows === 1 ? 'the row' : `any of the ${rows} rows`;
  return new PerennialError(
    'prediction-invalid',
    `the model has no answer for ${whom}: ${reason}; check how the model handles missing and extreme values`,
    { rows },
  );
}

export function labelsOf({ scope }: ServedScope): ModelLabels {
  return { project: scope.project, model: scope.model, environment: scope.environment };
}

/** Handles a prediction request: chooses a slot, predicts, logs, counts and answers. */
export class Inference {
  readonly #deps: InferenceDependencies;
  readonly #slotMetrics = new WeakMap<ServedSlot, SlotMetrics>();

  constructor(deps: InferenceDependencies) {
    this.#deps = deps;
  }

  /**
   * Answers one request. Throws `invalid-request` or `forbidden` for a mistake of the caller, `prediction-invalid` if
   * the model fails, and `model-unavailable` if the log is full and set to refuse.
   */
  async answer(question: InferenceQuestion): Promise<InferenceAnswer> {
    const begun = this.#deps.steadyNow();
    const { served, principal, parameters } = question;
    const rehearsal = readRehearsalParameters(parameters, {
      principal,
      environment: served.scope.environment,
      virtual: served.virtual,
    });
    const { slot, role } = this.#choose(question, rehearsal.replay);
    const { signature } = slot.model;
    const columns = await this.#read(question, slot);
    const ids = await readPredictionIds(parameters, columns.batch.rows, this.#deps.ids);
    if (rehearsal.eventTimes && rehearsal.eventTimes.length !== columns.batch.rows)
      throw new PerennialError(
        'invalid-request',
        `parameters.event_times must be a list of ${columns.batch.rows} instants, one per row`,
      );
    const predictions = await this.#predict(question, slot, columns);
    const { eventTimes, replay } = rehearsal;
    const request = question.requestId;
    const rows: AnsweredRows = { role, columns, predictions, ids, request, eventTimes, replay: replay !== undefined };
    const logged = await this.#writeDown(served, slot, rows);
    await this.#count(question, slot, predictions, this.#deps.steadyNow() - begun);
    const { shadow } = served;
    if (shadow !== undefined && role === 'champion')
      this.#deps.shadow.ask({ served, shadow, columns: question.columns, answered: rows, logged });
    const { ignored } = columns;
    return { slot, signature, predictions, ids, ignored, release: slot.releaseDigest, generation: served.generation };
  }

  #choose({ served, version, parameters }: InferenceQuestion, replay: 'champion' | 'canary' | undefined): Chosen {
    if (version !== undefined) return { slot: this.#deps.table.pinned(served, version), role: 'pinned' };
    const slot = replay ? slotOfRole(served, replay) : chooseSlot(served, parameters, this.#deps.random);
    return { slot, role: slot.role };
  }

  /**
   * Reads the request's columns. A refused request counts as the release's own failure only if the other release of the
   * rollout step would have answered it.
   */
  async #read(question: InferenceQuestion, slot: ServedSlot): Promise<Columns> {
    try {
      return await question.columns(slot.taken);
    } catch (caught) {
      if (await this.#failsAlone(question, slot)) this.#countFailure(question.served, slot, true);
      throw caught;
    }
  }

  async #predict(question: InferenceQuestion, slot: ServedSlot, columns: Columns): Promise<Answers> {
    const { served } = question;
    const begun = this.#deps.steadyNow();
    try {
      return await slot.model.predict(columns.batch);
    } catch (caught) {
      if (failureReason(caught) === 'BACKEND') this.#countFailure(served, slot, await this.#failsAlone(question, slot));
      throw caught;
    } finally {
      this.#metricsOf(served, slot).predicted((this.#deps.steadyNow() - begun) / 1000);
    }
  }

  /** Returns whether the other release answers the failed rows, or, if `failed` is absent, the whole request. */
  #failsAlone(
    { served, columns }: InferenceQuestion,
    slot: ServedSlot,
    failed?: Answers['failures'],
  ): Promise<boolean> {
    return failsAlone(served, slot, (other) => columns(other.taken), failed);
  }

  #countFailure(served: ServedScope, slot: ServedSlot, own: boolean): void {
    this.#deps.counts.add(served, slot.releaseDigest, { answeredInMs: undefined, failed: { own } });
  }

  /**
   * Counts the request. If the model has no answer to some row, the request counts as failed; if it has no answer to
   * any row, throws `prediction-invalid`.
   */
  async #count(question: InferenceQuestion, slot: ServedSlot, answers: Answers, tookMs: number): Promise<void> {
    const { served } = question;
    const { rows, failures } = answers;
    const [first] = failures;
    const failed = first && { own: await this.#failsAlone(question, slot, failures) };
    const answeredInMs = failures.length < rows ? tookMs : undefined;
    this.#deps.counts.add(served, slot.releaseDigest, { answeredInMs, ...(failed && { failed }) });
    this.#metricsOf(served, slot).failedRows(failures.length);
    if (first !== undefined && answeredInMs === undefined) throw noAnswer(rows, first.reason);
    this.#metricsOf(served, slot).answered();
  }

  /** Logs the rows if they are in the sample. Returns whether they were logged. */
  async #writeDown(served: ServedScope, slot: ServedSlot, rows: AnsweredRows): Promise<boolean> {
    const { sample, onFull } = served.log;
    if (sample < 1 && this.#deps.random() >= sample) return false;
    const { log, clock, metrics } = this.#deps;
    const dropped = await log.append(log.stream(served, slot), rows, clock.now());
    if (dropped === 0) return true;
    metrics.dropped(labelsOf(served), dropped);
    if (onFull === 'drop-counted') return false;
    throw new PerennialError(
      'model-unavailable',
      `predictions of ${served.label} cannot be logged (${this.#deps.log.problem ?? 'the prediction log is full'}), and serve.log.onFull is "refuse": free space on the gateway's disk, or make the object store reachable again, so that predictions are uploaded`,
      { onFull },
    );
  }

  #metricsOf(served: ServedScope, slot: ServedSlot): SlotMetrics {
    let metrics = this.#slotMetrics.get(slot);
    if (!metrics) this.#slotMetrics.set(slot, (metrics = this.#deps.metrics.ofSlot(labelsOf(served), slot.version)));
    return metrics;
  }
}
