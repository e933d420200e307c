import type { Gate } from '../../../contracts/configuration/gates.ts';
import type { EvaluationBody } from '../../../contracts/models/evaluation.ts';
import type { Sha256 } from '../../../contracts/identifiers.ts';
import type { MetricName } from '../../../contracts/models/metrics.ts';
import { bootstrapMetric, percentileInterval } from '../../../statistics/metrics/block-bootstrap.ts';
import { measure, metricsOf, pickRows } from '../../../statistics/metrics/measure.ts';
import { relativeGain } from '../../../statistics/metrics/relative-gain.ts';
import { betterWhen } from '../../../contracts/models/metrics.ts';
import type { Sample } from '../../../statistics/metrics/sample.ts';
import { gainOver } from '../gates/champion-comparison.ts';
import { evaluateGates } from '../gates/evaluate-gates.ts';
import type { GateEvidence } from '../gates/gate-evidence.ts';
import type { MeasuredRows } from './measured-rows.ts';
import { slicesBy } from './slices.ts';

interface EvaluationRequest {
  readonly modelVersionDigest: Sha256;
  readonly championVersionDigest: Sha256 | null;
  /** Digest of the blob of held-out rows. */
  readonly holdout: Sha256;
  readonly metric: MetricName;
  /** Confidence level of the intervals of the metric and of the gain. Each champion gate has a level of its own. */
  readonly confidence: number;
  readonly gates: readonly Gate[];
  readonly seed: number;
  readonly rows: MeasuredRows;
  /** Measurements for gates of latency, size and command. */
  readonly evidence?: GateEvidence;
  /** Number of held-out rows that have no target and are therefore not among `rows`. */
  readonly unlabelled?: number | undefined;
  /** Digest of the blob that holds the permutation importance. */
  readonly importance?: Sha256;
}

/**
 * Evaluates a version on its held-out rows and applies the gates. The same request gives the same body, bit for bit.
 * The champion's numbers are left out if either model was trained on any of the rows, because they would be too good.
 *
 * @throws RangeError if there are no rows.
 * @throws PerennialError `invalid-configuration` if a gate slices by a column that is absent or has too many values.
 */
export function evaluate(request: EvaluationRequest): EvaluationBody {
  const { metric, confidence, seed, rows } = request;
  const champion = rows.trainedOn.some(Boolean) ? null : rows.champion;
  const interval = bootstrapMetric({ sample: rows.challenger, blocks: rows.blocks, metric, seed });
  const gain = champion === null ? undefined : gainOver(champion, metric, rows, seed);
  return {
    schemaVersion: 1,
    modelVersionDigest: request.modelVersionDigest,
    championVersionDigest: request.championVersionDigest,
    holdout: request.holdout,
    metric,
    challenger: metricsOf(rows.challenger),
    challengerInterval: interval.kind === 'estimate' ? percentileInterval(interval, confidence) : null,
    champion: champion === null ? null : metricsOf(champion),
    gain: pointGain(request, champion),
    gainInterval: gain?.kind === 'estimate' ? percentileInterval(gain, confidence) : null,
    slices: slicesOf(rows, champion),
    ...evaluateGates(request.gates, rows, seed, request.evidence),
    ...(request.unlabelled ? { unlabelled: request.unlabelled } : {}),
    ...(request.evidence?.latency ? { latency: request.evidence.latency } : {}),
    ...(request.importance === undefined ? {} : { importance: request.importance }),
  };
}

/**
 * Returns the relative gain over the champion, also if its interval is inconclusive. Null without a champion, or if the
 * gain is undefined or not finite, for example because the champion's metric is 0.
 */
function pointGain({ metric, rows }: EvaluationRequest, champion: Sample | null): number | null {
  if (champion === null) return null;
  const gain = relativeGain(betterWhen(metric), measure(rows.challenger, metric), measure(champion, metric));
  return Number.isFinite(gain) ? gain : null;
}

function slicesOf(rows: MeasuredRows, champion: Sample | null): EvaluationBody['slices'] {
  return Object.keys(rows.slices).flatMap((column) =>
    slicesBy(column, rows).map((slice) => ({
      column,
      value: slice.value,
      challenger: metricsOf(pickRows(rows.challenger, slice.rows)),
      champion: champion === null ? null : metricsOf(pickRows(champion, slice.rows)),
    })),
  );
}
