import { z } from 'zod';
import { registeredNames } from '../registered-names.ts';

export const Task = z.enum(['regression', 'binary', 'multiclass']);
export type Task = z.infer<typeof Task>;

interface MetricFacts {
  /** `small` for errors and losses, `large` for scores. */
  readonly better: 'small' | 'large';
}

const facts = z.registry<MetricFacts>();
const small: MetricFacts = { better: 'small' };
const large: MetricFacts = { better: 'large' };
/** null: the metric is undefined on these rows, or the model gives no probabilities. */
const score = () => z.number().nullable();

function measured<Schema extends z.ZodType>(schema: Schema, better: MetricFacts): Schema {
  facts.add(schema, better);
  return schema;
}

/**
 * The metrics of each task that gates, monitors and summaries can name, in display order. `statistics/metrics/`
 * computes each of them, in a file such as `regression/regression-rmse.ts`; schemas and checks derive from these
 * entries. A new metric must be `optional()`, because earlier evaluations do not have it.
 */
export const taskMetrics = {
  regression: {
    rmse: measured(z.number(), small),
    mae: measured(z.number(), small),
    r2: measured(z.number(), large),
    mape: measured(z.number(), small),
    medianAbsoluteError: measured(z.number(), small),
    pinball: measured(z.number().optional(), small),
  },
  binary: {
    rocAuc: measured(score(), large),
    averagePrecision: measured(score(), large),
    logLoss: measured(score(), small),
    brier: measured(score(), small),
    accuracy: measured(score(), large),
    precision: measured(score(), large),
    recall: measured(score(), large),
    f1: measured(score(), large),
    mcc: measured(score(), large),
    ece: measured(score(), small),
  },
  multiclass: {
    accuracy: measured(score(), large),
    macroF1: measured(score(), large),
    weightedF1: measured(score(), large),
    logLoss: measured(score(), small),
    rocAuc: measured(score(), large),
  },
} as const satisfies Record<Task, Readonly<Record<string, z.ZodType>>>;

export const metricNames = {
  regression: registeredNames(taskMetrics.regression),
  binary: registeredNames(taskMetrics.binary),
  multiclass: registeredNames(taskMetrics.multiclass),
} as const;

export const MetricName = z.enum([
  ...new Set([...metricNames.regression, ...metricNames.binary, ...metricNames.multiclass]),
]);
export type MetricName = z.infer<typeof MetricName>;

export function isMetricOf(task: Task, metric: MetricName): boolean {
  return metricNames[task].some((name) => name === metric);
}

const betterWhenSmall = new Set(
  Object.values(taskMetrics)
    .flatMap((ofTask) => Object.entries(ofTask))
    .filter(([, schema]) => facts.get(schema)?.better === 'small')
    .map(([name]) => name),
);

export function isBetterWhenSmall(metric: MetricName): boolean {
  return betterWhenSmall.has(metric);
}

export function betterWhen(metric: MetricName): 'small' | 'large' {
  return isBetterWhenSmall(metric) ? 'small' : 'large';
}

/** Returns a comparison function that sorts the worst value first and null last. */
export function worstFirst(metric: MetricName): (a: number | null, b: number | null) => number {
  const badness = (value: number | null): number =>
    value === null ? Number.NEGATIVE_INFINITY : isBetterWhenSmall(metric) ? value : -value;
  return (a, b) => (a === b ? 0 : badness(b) - badness(a));
}

export const RegressionMetrics = z.object({
  task: z.literal('regression'),
  rows: z.number().int(),
  ...taskMetrics.regression,
});
export type RegressionMetrics = z.infer<typeof RegressionMetrics>;

/** Why a metric is null, in plain words, by the metric's name. */
const Undefined = z.record(z.string(), z.string());

export const BinaryMetrics = z.object({
  task: z.literal('binary'),
  rows: z.number().int(),
  /** The positive class, as text. */
  positive: z.string(),
  positives: z.number().int(),
  /**
   * Rows with a probability at or above the threshold are predicted positive. null: the model's own labels are used.
   */
  threshold: z.number().nullable(),
  ...taskMetrics.binary,
  confusion: z.object({
    truePositives: z.number().int(),
    falsePositives: z.number().int(),
    trueNegatives: z.number().int(),
    falseNegatives: z.number().int(),
  }),
  /** Ten bins of equal width, without empty bins; null if the model gives no probabilities. */
  calibration: z.array(z.object({ predicted: z.number(), observed: z.number(), rows: z.number().int() })).nullable(),
  undefined: Undefined,
});
export type BinaryMetrics = z.infer<typeof BinaryMetrics>;

export const MulticlassMetrics = z.object({
  task: z.literal('multiclass'),
  rows: z.number().int(),
  classes: z.array(z.string()),
  ...taskMetrics.multiclass,
  /**
   * Confusion matrix of counts: one row per true class and one column per predicted class, in the order of `classes`.
   * null for more than fifty classes.
   */
  confusion: z.array(z.array(z.number().int())).nullable(),
  undefined: Undefined,
});
export type MulticlassMetrics = z.infer<typeof MulticlassMetrics>;

export const Metrics = z.discriminatedUnion('task', [RegressionMetrics, BinaryMetrics, MulticlassMetrics]);
export type Metrics = z.infer<typeof Metrics>;

/** Returns the value of a metric, or null if it is undefined on these rows or belongs to another task. */
export function metricOf(metrics: Metrics, name: MetricName): number | null {
  const value: unknown = Object.entries(metrics).find(([key]) => key === name)?.[1];
  return typeof value === 'number' ? value : null;
}
