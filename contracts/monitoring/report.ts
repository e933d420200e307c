import { z } from 'zod';
import { Id, Instant, Name, Sha256 } from '../identifiers.ts';
import type { Task } from '../models/metrics.ts';
import { MetricName, Metrics } from '../models/metrics.ts';
import { driftTestNames } from './drift-tests.ts';

/** `missing`: the feature has values on one side only, so that no other test can be made. */
export const DriftTest = z.enum([...driftTestNames, 'missing']);
export type DriftTest = z.infer<typeof DriftTest>;

/**
 * Counts of the reference and of the window in the same bins: by edges of the reference, or by category. Bins are closed on the left
 * and open on the right. An edge that is given twice encloses the bin of that one value.
 */
export const Distribution = z.object({
  edges: z.array(z.number()).nullable(),
  categories: z.array(z.string()).nullable(),
  reference: z.array(z.number().int()),
  current: z.array(z.number().int()),
});
export type Distribution = z.infer<typeof Distribution>;

export const DriftResult = z.object({
  column: z.string(),
  subject: z.enum(['feature', 'prediction', 'target']),
  test: DriftTest,
  statistic: z.number(),
  pValue: z.number().nullable(),
  threshold: z.number(),
  /**
   * The 99.5 % quantile of the statistic if both sides were of one distribution; only a statistic above it is drift. Of every test
   * without a p-value, and of chi2 with pooled categories. Absent in reports from before it was computed.
   */
  critical: z.number().optional(),
  drifted: z.boolean(),
  /** Excluded columns are reported and decide nothing. */
  excluded: z.boolean(),
  /** Fewer values than `monitor.minRows`: reported, and decides nothing. Absent: enough, or a report of before it was told. */
  tooFew: z.boolean().optional(),
  referenceRows: z.number().int(),
  currentRows: z.number().int(),
  /** Of a test with a p-value: how great the difference is, 0 to 1 (the largest distance; Cramér's V). */
  effect: z.number().nullable().optional(),
  /** With `drift.fdr`: adjusted over the features. */
  adjustedPValue: z.number().optional(),
  /** The feature's share of the champion's permutation importance, where it is known. */
  importance: z.number().optional(),
  /** Absent in reports from before it was kept. */
  distribution: Distribution.optional(),
});
export type DriftResult = z.infer<typeof DriftResult>;

/** What a result comes to, in the word that people read: what decides nothing is neither drifted nor steady. */
export function driftWord({
  excluded,
  tooFew,
  drifted,
}: Pick<DriftResult, 'excluded' | 'tooFew' | 'drifted'>): 'excluded' | 'too few' | 'drifted' | 'steady' {
  if (excluded) return 'excluded';
  if (tooFew === true) return 'too few';
  return drifted ? 'drifted' : 'steady';
}

/** What the statistic had to reach to be drift, or the p-value to be below. */
export function heldAgainst(result: Pick<DriftResult, 'pValue' | 'threshold' | 'critical'>): number {
  const { pValue, threshold, critical = 0 } = result;
  return pValue === null ? Math.max(threshold, critical) : threshold;
}

export const QualityKind = z.enum(['missing', 'range', 'new-category', 'failed']);

/** Shares of served values with each problem; `failed` is the share of rows without a prediction. */
export const QualityResult = z.object({
  column: z.string(),
  kind: QualityKind,
  value: z.number(),
  /** null: measured, and decides nothing. */
  threshold: z.number().nullable(),
  breached: z.boolean(),
  /** For people: which range, which categories. */
  detail: z.string(),
});
export type QualityResult = z.infer<typeof QualityResult>;

/** How long after their predictions labels were given, over those that have arrived; milliseconds. */
export const LabelDelay = z.object({
  rows: z.number().int(),
  p50Ms: z.number(),
  p90Ms: z.number(),
  maxMs: z.number(),
  /** How many came within each of these bounds and after the one before; the last is open. */
  histogram: z.array(z.object({ withinMs: z.number().nullable(), rows: z.number().int() })),
});
export type LabelDelay = z.infer<typeof LabelDelay>;

/** The metrics that can be told without labels; of a classifier that gives probabilities. */
export const estimatedMetrics = {
  regression: ['mae', 'rmse'],
  binary: ['rocAuc', 'accuracy', 'precision', 'recall', 'f1'],
  multiclass: ['accuracy', 'macroF1', 'weightedF1', 'logLoss', 'rocAuc'],
} as const satisfies Record<Task, readonly MetricName[]>;

/** What the metrics probably are on rows whose labels are not needed; see statistics/. */
export const PerformanceEstimate = z.object({
  method: z.enum(['cbpe', 'dle']),
  rows: z.number().int(),
  /** On how many rows of the holdout it rests. */
  referenceRows: z.number().int(),
  metrics: z.array(z.object({ name: z.string(), value: z.number(), samplingError: z.number() })),
});
export type PerformanceEstimate = z.infer<typeof PerformanceEstimate>;

/** What the gateways have answered of the model in the environment since the report before. */
export const Traffic = z.object({
  /** null: since the beginning. */
  since: Instant.nullable(),
  requests: z.number().int(),
  errors: z.number().int(),
  /** Milliseconds; null where nothing was measured. */
  latency: z.object({ p50Ms: z.number(), p95Ms: z.number(), p99Ms: z.number() }).nullable(),
  /** Since the beginning, for the report after to subtract. */
  totals: z.object({ requests: z.number().int(), errors: z.number().int(), latency: z.array(z.number().int()) }),
});
export type Traffic = z.infer<typeof Traffic>;

/** Labelled rows of the window that are in no metric, and why. */
export const LeftOutRows = z.object({
  reason: z.enum(['label-no-class', 'label-unmeasurable', 'prediction-unmeasurable']),
  rows: z.number().int(),
  /** The first five; values as text, since they may be numbers that JSON cannot represent. */
  examples: z.array(z.object({ id: z.string(), value: z.string() })).readonly(),
});
export type LeftOutRows = z.infer<typeof LeftOutRows>;

const whyLeftOut: Readonly<Record<LeftOutRows['reason'], string>> = {
  'label-no-class': 'the label is none of the classes',
  'label-unmeasurable': 'the label is not a number that metrics can be computed with',
  'prediction-unmeasurable': 'the prediction is too large to compute metrics with',
};

/** For people: how many rows, why, and for example which. */
export function leftOutWords({ reason, rows, examples }: LeftOutRows): string {
  const some = examples.map(({ id, value }) => `${value} for "${id}"`).join(', ');
  return `${rows} labelled ${rows === 1 ? 'row was' : 'rows were'} left out of the metrics, because ${whyLeftOut[reason]}: ${some}${rows > examples.length ? ', …' : ''}`;
}

/** Predictions that do not count, because an earlier one has their id. */
export const RepeatedIds = z.object({ predictions: z.number().int(), example: z.string() });
export type RepeatedIds = z.infer<typeof RepeatedIds>;

export const FindingKind = z.enum(['drift', 'performance', ...QualityKind.options]);
export type FindingKind = z.infer<typeof FindingKind>;

export const ReportBody = z.object({
  schemaVersion: z.literal(1),
  model: Name,
  environment: Name,
  from: Instant,
  to: Instant,
  /** What it was compared with. */
  reference: z.enum(['training', 'previous', 'year-ago']),
  /** Why that is not what the configuration names. */
  referenceNote: z.string().optional(),
  /** The window that was compared with; absent for the training. */
  referenceWindow: z.object({ from: Instant, to: Instant, rows: z.number().int() }).optional(),
  /** Logged predictions in the window, replayed ones aside. */
  predictions: z.number().int(),
  labelled: z.number().int(),
  /** Absent if no labelled row was left out. */
  leftOut: z.array(LeftOutRows).readonly().optional(),
  /** Absent if every prediction of the window has an id of its own. */
  repeatedIds: RepeatedIds.optional(),
  /** Labels of the model in the environment whose predictions had not arrived; absent if there were none. */
  waitingLabels: z.number().int().optional(),
  dropped: z.number().int(),
  /** Fewer than monitor.minRows: reported, decides nothing. */
  sufficient: z.boolean(),
  releases: z.array(z.object({ release: Sha256, modelVersion: z.number().int(), predictions: z.number().int() })),
  drift: z.array(DriftResult),
  performance: Metrics.nullable(),
  /** The one of them that is shown first: of `monitor.performance`, else of the build. Absent in reports from before it was kept. */
  metric: MetricName.optional(),
  /** The mean of the features' statistics, weighted by importance, in thresholds; tests without p-values alone. */
  weightedDrift: z.number().optional(),
  quality: z.array(QualityResult).optional(),
  labelDelay: LabelDelay.nullable().optional(),
  estimate: PerformanceEstimate.nullable().optional(),
  traffic: Traffic.optional(),
  /** Predictions in twenty-four equal parts of the window. */
  volume: z.array(z.number().int()).optional(),
  findings: z.array(
    z.object({
      id: Id,
      kind: FindingKind,
      subject: z.string(),
      state: z.enum(['opened', 'open', 'closed']),
      value: z.number(),
      threshold: z.number(),
      since: Instant,
      /** The end of the first window that was clear of it; a second one closes it. */
      clearSince: Instant.optional(),
    }),
  ),
  triggers: z.array(z.enum(['drift', 'performance'])),
});
export type ReportBody = z.infer<typeof ReportBody>;

export const Report = z.object({
  id: Id,
  modelId: Id,
  environment: Name,
  digest: Sha256,
  body: ReportBody,
  runId: Id,
  recordedAt: Instant,
  effectiveAt: Instant,
  recordedBy: Id,
});
export type Report = z.infer<typeof Report>;

/** Opens once per {kind, subject, champion}; closes when two sufficient windows in a row are clear of it. */
export const Finding = z.object({
  id: Id,
  modelId: Id,
  environment: Name,
  kind: FindingKind,
  subject: z.string(),
  championReleaseId: Id,
  value: z.number(),
  threshold: z.number(),
  openedBy: Id,
  openedAt: Instant,
  clearSince: Instant.nullable(),
  closedBy: Id.nullable(),
  closedAt: Instant.nullable(),
});
export type Finding = z.infer<typeof Finding>;
