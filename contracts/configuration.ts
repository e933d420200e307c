import { z } from 'zod';
import { Duration } from './duration.ts';
import { Name } from './identifiers.ts';
import { ApprovalPolicy } from './environment.ts';
import { TriggerKind } from './trigger.ts';

// What is here is built. Keys that are known and not built are the table in unbuilt-keys.ts; `parseConfiguration`
// (configuration-file.ts) refuses them as `not-implemented`; nothing is accepted and ignored.

export const Task = z.enum(['regression', 'binary', 'multiclass']);
export type Task = z.infer<typeof Task>;

const ColumnName = z.string().min(1).max(200);
const Scalar = z.union([z.string(), z.number(), z.boolean()]);

export const Expectation = z
  .strictObject({
    column: ColumnName,
    severity: z.enum(['error', 'warn']).default('error'),
    type: z.enum(['boolean', 'integer', 'number', 'string', 'timestamp', 'date']).optional(),
    notNull: z.literal(true).optional(),
    unique: z.literal(true).optional(),
    min: z.number().optional(),
    max: z.number().optional(),
    values: z.array(Scalar).min(1).optional(),
  })
  .refine(
    // Not by truth: a bound of 0 is a check.
    (e) => [e.type, e.notNull, e.unique, e.min, e.max, e.values].some((check) => check !== undefined),
    'names no check: give type, notNull, unique, min, max or values',
  );
export type Expectation = z.infer<typeof Expectation>;

const Data = z.strictObject({
  source: z.union([z.strictObject({ path: z.string().min(1) }), z.strictObject({ glob: z.string().min(1) })]),
  mode: z.enum(['append']).default('append'),
  timestamp: z.string().min(1).max(2000).optional(),
  timezone: z
    .string()
    .refine(
      (zone) => Intl.supportedValuesOf('timeZone').includes(zone) || zone === 'UTC',
      'is not an IANA time zone such as Europe/Berlin',
    )
    .default('UTC'),
  key: ColumnName.optional(),
  target: ColumnName,
  features: z.array(ColumnName).min(1).max(10_000),
  window: Duration.optional(),
  expectations: z.array(Expectation).max(1000).default([]),
});

const Code = z.strictObject({
  path: z.string().min(1),
  command: z.array(z.string().min(1)).min(1),
  environment: z.string().min(1).optional(),
  network: z.boolean().default(false),
  validation: z.boolean().default(false),
});

const RegressionMetricName = z.enum(['rmse', 'mae', 'r2', 'mape', 'medianAbsoluteError']);
export type RegressionMetricName = z.infer<typeof RegressionMetricName>;

/** r2 grows with quality; the others shrink. */
export function isBetterWhenSmall(metric: RegressionMetricName): boolean {
  return metric !== 'r2';
}

const Confidence = z.number().min(0.5).lt(1);

export const ThresholdGate = z.strictObject({
  metric: RegressionMetricName,
  max: z.number().optional(),
  min: z.number().optional(),
});
export const ChampionGate = z.strictObject({
  metric: RegressionMetricName,
  versus: z.literal('champion'),
  minGain: z.number().default(0),
  confidence: Confidence.default(0.9),
  onInconclusive: z.enum(['refuse', 'pass']).default('refuse'),
});
export const SliceGate = z.strictObject({
  metric: RegressionMetricName,
  slice: ColumnName,
  minRows: z.number().int().min(1).default(50),
  max: z.number().optional(),
  min: z.number().optional(),
});
export const Gate = z.union([ChampionGate, SliceGate, ThresholdGate]);
export type ThresholdGate = z.infer<typeof ThresholdGate>;
export type ChampionGate = z.infer<typeof ChampionGate>;
export type SliceGate = z.infer<typeof SliceGate>;
export type Gate = z.infer<typeof Gate>;

const ByteSize = z.string().regex(/^\d+(KiB|MiB|GiB)$/, 'expected a size such as 512MiB or 2GiB');

const Build = z.strictObject({
  seed: z
    .number()
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .default(0),
  params: z.record(z.string(), z.json()).default({}),
  timeout: Duration.default('30m'),
  resources: z.strictObject({ queue: z.literal('train').default('train'), memory: ByteSize.optional() }).prefault({}),
  holdout: z.union([
    z.strictObject({ last: Duration }),
    z.strictObject({ fraction: z.number().gt(0).lt(1), by: ColumnName }),
  ]),
  refit: z.literal(false).default(false),
  metric: RegressionMetricName.default('rmse'),
  confidence: Confidence.default(0.9),
  block: Duration.default('1 day'),
  gates: z.array(Gate).max(100).default([]),
});

const Strategy = z.strictObject({
  canary: z
    .array(z.number().int().min(1).max(100))
    .min(1)
    .max(20)
    .refine(
      (steps) => steps.at(-1) === 100 && steps.every((step, i) => i === 0 || step > (steps[i - 1] ?? 0)),
      'must rise and end at 100, e.g. [10, 50, 100]',
    )
    .default([100]),
  bake: Duration.default('5m'),
  minRequests: z.number().int().min(0).default(50),
  onInsufficient: z.enum(['extend', 'proceed', 'abort']).default('extend'),
  abortOn: z.strictObject({ errorRate: z.number().min(0).max(1).optional() }).prefault({}),
});
export type Strategy = z.infer<typeof Strategy>;

const Deploy = z.strictObject({
  environment: Name.default('production'),
  approval: ApprovalPolicy.prefault({ votes: 1, roles: ['approver'], requesterMayVote: false, expires: '72h' }),
  strategy: Strategy.prefault({}),
  routingKey: z
    .string()
    .regex(/^parameters\.[A-Za-z0-9_]{1,64}$/, 'names a request parameter, e.g. parameters.user')
    .optional(),
});

const Serve = z.strictObject({
  log: z
    .strictObject({
      sample: z.number().min(0).max(1).default(1),
      onFull: z.enum(['drop-counted', 'refuse']).default('drop-counted'),
    })
    .prefault({}),
});

const NumericTest = z.enum(['psi', 'ks']);
const CategoricalTest = z.enum(['psi', 'chi2']);

const Monitor = z.strictObject({
  every: Duration.default('1h'),
  window: Duration.default('1 day'),
  reference: z.enum(['training']).default('training'),
  minRows: z.number().int().min(1).default(200),
  drift: z
    .strictObject({
      numeric: NumericTest.default('psi'),
      categorical: CategoricalTest.default('psi'),
      /** For `psi`: at or above is drift. For `ks` and `chi2`: the p-value below which it is drift. */
      threshold: z.number().gt(0).default(0.2),
      exclude: z.array(ColumnName).default([]),
      minFeatures: z.number().int().min(1).default(1),
    })
    .prefault({}),
  performance: z
    .strictObject({ metric: RegressionMetricName, max: z.number().optional(), min: z.number().optional() })
    .optional(),
  notify: z.array(z.never()).max(0).default([]),
});

export const Budget = z
  .string()
  .regex(/^\d{1,6} per (day|week|month|year)$/, 'expected a budget such as "30 per month"');

const Retrain = z.strictObject({
  schedule: z.string().min(9).max(100).optional(),
  on: z.array(TriggerKind.exclude(['manual', 'schedule'])).default([]),
  debounce: Duration.default('10m'),
  cooldown: Duration.default('24h'),
  budget: Budget.default('30 per month'),
});

const Retention = z.strictObject({
  predictions: Duration.default('400 days'),
  rejectedVersions: Duration.default('90 days'),
});

/** `perennial.yaml` as this version builds it, every default filled in. Its canonical JSON's digest is a ConfigurationVersion's identity. */
export const Configuration = z.strictObject({
  schemaVersion: z.literal(1),
  name: Name,
  task: Task.extract(['regression']),
  owner: z.string().min(1).max(200),
  data: Data,
  code: Code,
  build: Build,
  deploy: Deploy.prefault({}),
  serve: Serve.prefault({}),
  monitor: Monitor.prefault({}),
  retrain: Retrain.prefault({}),
  retention: Retention.prefault({}),
});
export type Configuration = z.infer<typeof Configuration>;
export type ConfigurationInput = z.input<typeof Configuration>;
