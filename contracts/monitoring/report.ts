import { z } from 'zod';
import { Id, Instant, Name, Sha256 } from '../identifiers.ts';
import type { Task } from '../models/metrics.ts';
import { MetricName, Metrics } from '../models/metrics.ts';
import { driftTestNames } from './drift-tests.ts';

/** `missing`: one side has no values of the feature, so that no other test can be computed. */
export const DriftTest = z.enum([...driftTestNames, 'missing']);
export type DriftTest = z.infer<typeof DriftTest>;

/**
 * Counts of the reference and of the window in the same bins, defined by edges of the reference or by category. Bins
 * include their left edge and exclude their right edge. A value that occurs twice as an edge has a bin of its own.
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
   * The 99.5 % quantile of the statistic under the hypothesis that both sides have the same distribution. Only a
   * statistic above it counts as drift. Present for every test without a p-value, and for chi2 with pooled categories.
   * Absent in older reports.
   */
  critical: z.number().optional(),
  drifted: z.boolean(),
  /** Results of excluded columns are reported, but have no effect on the decision. */
  excluded: z.boolean(),
  /**
   * True if there were fewer values than `monitor.minRows`: the result is reported, but has no effect on the decision.
   * Absent if there were enough values, and in older reports.
   */
  tooFew: z.boolean().optional(),
  referenceRows: z.number().int(),
  currentRows: z.number().int(),
  /** Only for tests with a p-value: the effect size from 0 to 1 (the largest distance, or Cramér's V). */
  effect: z.number().nullable().optional(),
  /** With `drift.fdr`: the p-value adjusted for the number of features. */
  adjustedPValue: z.number().optional(),
  /** The feature's share of the champion's permutation importance; absent if the importance is unknown. */
  importance: z.number().optional(),
  /** Absent in older reports. */
  distribution: Distribution.optional(),
});
export type DriftResult = z.infer<typeof DriftResult>;

/**
 * Returns the verdict on a result in the word that people see. Results without effect on the decision are neither
 * `drifted` nor `steady`.
 */
export function driftWord({
  excluded,
  tooFew,
  drifted,
}: Pick<DriftResult, 'excluded' | 'tooFew' | 'drifted'>): 'excluded' | 'too few' | 'drifted' | 'steady' {
  if (excluded) return 'excluded';
  if (tooFew === true) return 'too few';
  return drifted ? 'drifted' : 'steady';
}

/** Returns the limit for drift: a statistic must reach it, a p-value must be below it. */
export function heldAgainst(result: Pick<DriftResult, 'pValue' | 'threshold' | 'critical'>): number {
  const { pValue, threshold, critical = 0 } = result;
  return pValue === null ? Math.max(threshold, critical) : threshold;
}

export const QualityKind = z.enum(['missing', 'range', 'new-category', 'failed']);

/** The share of served values with a problem; for `failed`, the share of rows without a prediction. */
export const QualityResult = z.object({
  column: z.string(),
  kind: QualityKind,
  value: z.number(),
  /** null: the share is reported, but has no effect on the decision. */
  threshold: z.number().nullable(),
  breached: z.boolean(),
  /** For people: the range or the categories concerned. */
  detail: z.string(),
});
export type QualityResult = z.infer<typeof QualityResult>;

/** Delay in milliseconds between predictions and their labels, over the labels that have arrived. */
export const LabelDelay = z.object({
  rows: z.number().int(),
  p50Ms: z.number(),
  p90Ms: z.number(),
  maxMs: z.number(),
  /** Number of labels within each bound and above the previous one. The last bucket has no upper bound. */
  histogram: z.array(z.object({ withinMs: z.number().nullable(), rows: z.number().int() })),
});
export type LabelDelay = z.infer<typeof LabelDelay>;

/** The metrics that can be estimated without labels. For classifiers, estimation needs probabilities. */
export const estimatedMetrics = {
  regression: ['mae', 'rmse'],
  binary: ['rocAuc', 'accuracy', 'precision', 'recall', 'f1'],
  multiclass: ['accuracy', 'macroF1', 'weightedF1', 'logLoss', 'rocAuc'],
} as const satisfies Record<Task, readonly MetricName[]>;

/** Estimated metrics on rows without using their labels; see `statistics/estimation/`. */
export const PerformanceEstimate = z.object({
  method: z.enum(['cbpe', 'dle']),
  rows: z.number().int(),
  /** Number of holdout rows that the estimator was learnt from. */
  referenceRows: z.number().int(),
  metrics: z.array(z.object({ name: z.string(), value: z.number(), samplingError: z.number() })),
});
export type PerformanceEstimate = z.infer<typeof PerformanceEstimate>;

/** The requests that gateways answered for the model in the environment since the previous report. */
export const Traffic = z.object({
  /** When the previous report was made; null for the first report, which covers all requests. */
  since: Instant.nullable(),
  requests: z.number().int(),
  errors: z.number().int(),
  /** In milliseconds; null if no latency was measured. */
  latency: z.object({ p50Ms: z.number(), p95Ms: z.number(), p99Ms: z.number() }).nullable(),
  /** Totals of all requests so far. The next report subtracts these. */
  totals: z.object({ requests: z.number().int(), errors: z.number().int(), latency: z.array(z.number().int()) }),
});
export type Traffic = z.infer<typeof Traffic>;

/** Labelled rows of the window that were excluded from the metrics, with the reason. */
export const LeftOutRows = z.object({
  reason: z.enum(['label-no-class', 'label-unmeasurable', 'prediction-unmeasurable']),
  rows: z.number().int(),
  /** The first five rows. Values are text, because JSON cannot represent every number. */
  examples: z.array(z.object({ id: z.string(), value: z.string() })).readonly(),
});
export type LeftOutRows = z.infer<typeof LeftOutRows>;

const whyLeftOut: Readonly<Record<LeftOutRows['reason'], string>> = {
  'label-no-class': 'the label is not one of the classes',
  'label-unmeasurable': 'the label is not a number that metrics can be computed with',
  'prediction-unmeasurable': 'the prediction is too large to compute metrics with',
};

/** Returns a sentence for people with the number of rows, the reason and examples. */
export function leftOutWords({ reason, rows, examples }: LeftOutRows): string {
  const some = examples.map(({ id, value }) => `${value} for "${id}"`).join(', ');
  return `${rows} labelled ${rows === 1 ? 'row was' : 'rows were'} left out of the metrics, because ${whyLeftOut[reason]}: ${some}${rows > examples.length ? ', …' : ''}`;
}

/** Predictions that do not count because an earlier prediction has the same id. */
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
  /** The reference that the window was compared with. */
  reference: z.enum(['training', 'previous', 'year-ago']),
  /** Why the reference is not the one in the configuration. */
  referenceNote: z.string().optional(),
  /** The window that was used as reference; absent if the reference was the training data. */
  referenceWindow: z.object({ from: Instant, to: Instant, rows: z.number().int() }).optional(),
  /** Number of logged predictions in the window, without replayed ones. */
  predictions: z.number().int(),
  labelled: z.number().int(),
  /** Absent if no labelled row was excluded. */
  leftOut: z.array(LeftOutRows).readonly().optional(),
  /** Absent if all predictions of the window have different ids. */
  repeatedIds: RepeatedIds.optional(),
  /** Number of labels whose predictions have not arrived; absent if there are none. */
  waitingLabels: z.number().int().optional(),
  dropped: z.number().int(),
  /**
   * False if the window has fewer rows than `monitor.minRows`: it is reported, but opens no finding and does not count
   * as clear.
   */
  sufficient: z.boolean(),
  releases: z.array(z.object({ release: Sha256, modelVersion: z.number().int(), predictions: z.number().int() })),
  drift: z.array(DriftResult),
  /** Features with more than a million distinct texts, which are not tested for drift; absent if there are none. */
  uncounted: z.array(z.string()).optional(),
  performance: Metrics.nullable(),
  /** The main metric: that of `monitor.performance`, otherwise that of the build. Absent in older reports. */
  metric: MetricName.optional(),
  /**
   * Mean over the features of statistic divided by limit, weighted by importance. Only tests without p-values are
   * included.
   */
  weightedDrift: z.number().optional(),
  quality: z.array(QualityResult).optional(),
  labelDelay: LabelDelay.nullable().optional(),
  estimate: PerformanceEstimate.nullable().optional(),
  traffic: Traffic.optional(),
  /** Number of predictions in each of twenty-four equal parts of the window. */
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
      /** End of the first window in which the problem was gone. A second such window closes the finding. */
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

/**
 * A finding opens once per {kind, subject, champion}. It closes when the problem is gone in two sufficient windows in a
 * row.
 */
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
