import { z } from 'zod';

export const Task = z.enum(['regression', 'binary', 'multiclass']);
export type Task = z.infer<typeof Task>;

/** The metrics of each task that gates, monitors and summaries may name. */
export const metricNames = {
  regression: ['rmse', 'mae', 'r2', 'mape', 'medianAbsoluteError', 'pinball'],
  binary: ['rocAuc', 'averagePrecision', 'logLoss', 'brier', 'accuracy', 'precision', 'recall', 'f1', 'mcc', 'ece'],
  multiclass: ['accuracy', 'macroF1', 'weightedF1', 'logLoss', 'rocAuc'],
} as const satisfies Record<Task, readonly string[]>;

export const MetricName = z.enum([
  ...new Set([...metricNames.regression, ...metricNames.binary, ...metricNames.multiclass]),
]);
export type MetricName = z.infer<typeof MetricName>;

export function isMetricOf(task: Task, metric: MetricName): boolean {
  return metricNames[task].some((name) => name === metric);
}

const shrinkWithQuality = new Set<MetricName>([
  'rmse',
  'mae',
  'mape',
  'medianAbsoluteError',
  'pinball',
  'logLoss',
  'brier',
  'ece',
]);

/** Errors and losses shrink with quality; scores grow. */
export function isBetterWhenSmall(metric: MetricName): boolean {
  return shrinkWithQuality.has(metric);
}

/** Of two scores the worse comes first; what could not be told comes last. */
export function worstFirst(metric: MetricName): (a: number | null, b: number | null) => number {
  const badness = (score: number | null): number =>
    score === null ? Number.NEGATIVE_INFINITY : isBetterWhenSmall(metric) ? score : -score;
  return (a, b) => (a === b ? 0 : badness(b) - badness(a));
}

export const RegressionMetrics = z.object({
  task: z.literal('regression'),
  rows: z.number().int(),
  rmse: z.number(),
  mae: z.number(),
  r2: z.number(),
  mape: z.number(),
  medianAbsoluteError: z.number(),
  /** Absent in what was measured before it was built. */
  pinball: z.number().optional(),
});
export type RegressionMetrics = z.infer<typeof RegressionMetrics>;

/** By metric, why it is null: in plain words. */
const Undefined = z.record(z.string(), z.string());
const Score = z.number().nullable();

export const BinaryMetrics = z.object({
  task: z.literal('binary'),
  rows: z.number().int(),
  /** The class that is looked for, as text. */
  positive: z.string(),
  positives: z.number().int(),
  /** A probability at or above it is the positive class; null: the model's own labels decide. */
  threshold: z.number().nullable(),
  rocAuc: Score,
  averagePrecision: Score,
  logLoss: Score,
  brier: Score,
  accuracy: Score,
  precision: Score,
  recall: Score,
  f1: Score,
  mcc: Score,
  ece: Score,
  confusion: z.object({
    truePositives: z.number().int(),
    falsePositives: z.number().int(),
    trueNegatives: z.number().int(),
    falseNegatives: z.number().int(),
  }),
  /** Ten bins of equal width, the empty ones left out; null without probabilities. */
  calibration: z.array(z.object({ predicted: z.number(), observed: z.number(), rows: z.number().int() })).nullable(),
  undefined: Undefined,
});
export type BinaryMetrics = z.infer<typeof BinaryMetrics>;

export const MulticlassMetrics = z.object({
  task: z.literal('multiclass'),
  rows: z.number().int(),
  classes: z.array(z.string()),
  accuracy: Score,
  macroF1: Score,
  weightedF1: Score,
  logLoss: Score,
  /** One class against the rest, the mean over classes. */
  rocAuc: Score,
  /** Counts: one row a true class, one column a predicted one, both in the order of `classes`; null beyond fifty classes. */
  confusion: z.array(z.array(z.number().int())).nullable(),
  undefined: Undefined,
});
export type MulticlassMetrics = z.infer<typeof MulticlassMetrics>;

export const Metrics = z.discriminatedUnion('task', [RegressionMetrics, BinaryMetrics, MulticlassMetrics]);
export type Metrics = z.infer<typeof Metrics>;

/** null where it could not be told of these rows, or is a metric of another task. */
export function metricOf(metrics: Metrics, name: MetricName): number | null {
  const value: unknown = Object.entries(metrics).find(([key]) => key === name)?.[1];
  return typeof value === 'number' ? value : null;
}
