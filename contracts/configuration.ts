import { z } from 'zod';
import { PostgresSource, S3Source, UrlSource } from './data-source.ts';
import { DeclaredType } from './data-types.ts';
import { Duration } from './duration.ts';
import { Expectation } from './expectation.ts';
import { GitSource } from './git-source.ts';
import { Name } from './identifiers.ts';
import { MetricName, Task } from './metrics.ts';
import { Fill } from './model-version.ts';
import { ApprovalPolicy } from './environment.ts';
import { TimeZone } from './time-zone.ts';
import { TriggerKind } from './trigger.ts';
import { trainingQueue } from './workflows.ts';

// Every key that is here does what it says; none is accepted and ignored.

const ColumnName = z.string().min(1).max(200);

const Data = z.strictObject({
  source: z
    .union([
      z.strictObject({
        path: z.string().min(1).describe('A file, relative to perennial.yaml; the command line uploads it'),
      }),
      z.strictObject({
        glob: z.string().min(1).describe('Files by a pattern such as data/*.csv; the command line uploads them'),
      }),
      UrlSource,
      S3Source,
      PostgresSource,
    ])
    .describe('Where rows come from: CSV, NDJSON or Parquet files, or a query'),
  mode: z
    .enum(['append', 'upsert', 'snapshot'])
    .default('append')
    .describe(
      'append: rows whose key is known are skipped when equal, and an error when different. upsert: they replace the known ones. snapshot: the batch is the whole dataset',
    ),
  timestamp: z
    .string()
    .min(1)
    .max(2000)
    .optional()
    .describe(
      'When a row happened: a column, or one scalar DuckDB expression over the columns. Needed for window and for holdout.last',
    ),
  timezone: TimeZone.default('UTC').describe(
    'Of timestamps without an offset, and of every calendar period; a name such as Europe/Berlin',
  ),
  key: ColumnName.optional().describe('The column that tells rows apart; by it a row that comes again is known'),
  target: ColumnName.describe('The column that the model predicts'),
  features: z.array(ColumnName).min(1).max(10_000).describe('The columns that the model is given, in this order'),
  // Without a default, so that configurations from before are what they were.
  columns: z
    .record(ColumnName, DeclaredType)
    .optional()
    .describe(
      'Types of columns, in place of those that are inferred from the values: string, integer, number, boolean, date or timestamp. A column that has another type already is converted, if every value can be. category: its values are categories for monitoring, also if they are whole numbers. ignore: the column is left out',
    ),
  // Without a default, so that configurations from before are what they were.
  nulls: z
    .array(z.string().max(100))
    .max(100)
    .optional()
    .describe(
      'Texts that mean a missing value in CSV, NDJSON and text columns of Parquet, such as ["", "NA"], compared as a whole. Default: none; a field of CSV without anything in it is missing in any case',
    ),
  fill: z
    .record(ColumnName, Fill)
    .optional()
    .describe(
      'What a missing value of a feature is for the model, in training and serving alike, such as { city: "unknown" }; without it a missing number is NaN, and missing text is refused',
    ),
  window: Duration.optional().describe('What a build reads, back from its asOf; all rows when absent'),
  expectations: z.array(Expectation).max(1000).default([]).describe('Checked before anything is committed'),
});

const Code = z.strictObject({
  path: z
    .string()
    .min(1)
    .optional()
    .describe('The folder of the training code, relative to perennial.yaml; the command line uploads it'),
  git: GitSource.optional().describe('In its place: a git repository, which the server fetches from'),
  command: z
    .array(z.string().min(1))
    .min(1)
    .describe(
      'What is run in that folder, as a list of words; no shell reads it. [notebook, train.ipynb] runs a notebook with build.params after its cell tagged parameters',
    ),
  environment: z
    .string()
    .min(1)
    .optional()
    .describe(
      'A pip lock file in that folder, or a package-lock.json; the environment is made from it once and kept. One without hashes is resolved once, and the result kept in the CodeVersion',
    ),
  // Without a default, so that configurations from before are what they were.
  allowBuilds: z
    .boolean()
    .optional()
    .describe(
      'Whether packages of the environment that have no wheel are built, in a sandbox; building runs code of theirs. Default: false',
    ),
  network: z
    .boolean()
    .default(false)
    .describe('Whether training may use the network; closed only where training has a sandbox'),
  validation: z
    .boolean()
    .default(false)
    .describe('Whether the script is handed the features of the holdout, without the target'),
});

const ByteSize = z
  .string()
  .regex(/^\d+(KiB|MiB|GiB)$/, 'expected a size such as 512MiB or 2GiB')
  .meta({ title: 'size' });

const Confidence = z.number().min(0.5).lt(1);

export const ThresholdGate = z.strictObject({
  metric: MetricName.describe('Measured on the whole holdout'),
  max: z.number().optional().describe('It fails above'),
  min: z.number().optional().describe('It fails below'),
});
export const ChampionGate = z.strictObject({
  metric: MetricName.describe('Measured of both on the same rows'),
  versus: z.literal('champion').describe('Compares with what serves; passes as not applicable where nothing does'),
  minGain: z
    .number()
    .default(0)
    .describe('The lower bound of the relative gain must exceed it; a negative one tolerates a loss'),
  confidence: Confidence.default(0.9).describe(
    'Of that one-sided bound, by paired block bootstrap; at 0.5 it is the point estimate',
  ),
  onInconclusive: z
    .enum(['refuse', 'pass'])
    .default('refuse')
    .describe('With fewer than 10 blocks, rows that either was trained on, or rows that the champion has no answer to'),
});
export const SliceGate = z.strictObject({
  metric: MetricName.describe('Measured on the rows of each slice'),
  slice: ColumnName.describe('One verdict for each value of this column'),
  minRows: z.number().int().min(1).default(50).describe('A slice with fewer is reported and decides nothing'),
  max: z.number().optional().describe('It fails above'),
  min: z.number().optional().describe('It fails below'),
});
export const SliceChangeGate = z.strictObject({
  metric: MetricName.describe('Measured of both on the rows of each slice'),
  slice: ColumnName.describe('One verdict for each value of this column'),
  versus: z.literal('champion').describe('Compares with what serves; passes as not applicable where nothing does'),
  maxLoss: z
    .number()
    .min(0)
    .default(0)
    .describe('It fails where a slice is worse than the champion by a greater share; 0.05 tolerates a loss of 5 %'),
  minRows: z.number().int().min(1).default(50).describe('A slice with fewer is reported and decides nothing'),
  onInconclusive: z
    .enum(['refuse', 'pass'])
    .default('refuse')
    .describe('With rows that either was trained on, or that the champion has no answer to'),
});
export const LatencyGate = z.strictObject({
  latency: z
    .enum(['p50', 'p95', 'p99'])
    .describe('Of calls of one row of the holdout, by the model runtime in a process of its own'),
  maxMs: z.number().gt(0).describe('It fails above, in milliseconds. Decides nothing in a rehearsal'),
});
export const SizeGate = z.strictObject({
  size: z
    .union([ByteSize, z.number().int().min(1)])
    .describe('It fails where model.onnx is larger: a size such as 20MiB, or a number of bytes'),
});
export const CommandGate = z.strictObject({
  command: z
    .array(z.string().min(1))
    .min(1)
    .max(100)
    .describe(
      'Run in the code folder, sandboxed as training is, with the model and its answers as files; exit 0 passes',
    ),
  timeout: Duration.default('10m').describe('It fails when it runs longer'),
});
export const Gate = z.union([
  SliceChangeGate,
  ChampionGate,
  SliceGate,
  ThresholdGate,
  LatencyGate,
  SizeGate,
  CommandGate,
]);
export type ThresholdGate = z.infer<typeof ThresholdGate>;
export type ChampionGate = z.infer<typeof ChampionGate>;
export type SliceGate = z.infer<typeof SliceGate>;
export type SliceChangeGate = z.infer<typeof SliceChangeGate>;
export type LatencyGate = z.infer<typeof LatencyGate>;
export type SizeGate = z.infer<typeof SizeGate>;
export type CommandGate = z.infer<typeof CommandGate>;
export type Gate = z.infer<typeof Gate>;

const Build = z.strictObject({
  seed: z
    .number()
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .default(0)
    .describe('Handed to the script; of bootstrap resamples too'),
  params: z.record(z.string(), z.json()).default({}).describe('Handed to the script as a JSON file; any names'),
  timeout: Duration.default('30m').describe('Training that runs longer is stopped'),
  resources: z
    .strictObject({
      queue: z
        .string()
        .regex(trainingQueue, 'expected train, or train- and a name of a-z, 0-9 and -, such as train-gpu')
        .default('train')
        .describe('The task queue of the workers that train; workers poll those of PERENNIAL_TRAIN_QUEUES'),
      memory: ByteSize.optional().describe(
        "The most memory of all processes of training together, shared memory included; default: half of the worker's machine",
      ),
      processes: z
        .number()
        .int()
        .min(1)
        .max(100_000)
        .default(500)
        .describe('The most processes of training at once; with more, all are stopped'),
      disk: ByteSize.default('20GiB').describe(
        'The most that training may hold in its output and temporary folders; with more, it is stopped',
      ),
      files: z
        .number()
        .int()
        .min(1)
        .max(10_000_000)
        .optional()
        .describe('The most files and folders in them; default: 100000'),
    })
    .prefault({})
    .describe('What training takes'),
  holdout: z
    .union([
      z.strictObject({ last: Duration.describe('The last part of the window, back from asOf') }),
      z.strictObject({
        fraction: z.number().gt(0).lt(1).describe('The share of rows, chosen by a hash of the key below'),
        by: ColumnName.describe('The column whose hash decides; never the seed'),
      }),
    ])
    .describe('What is kept from training, to measure on'),
  refit: z
    .boolean()
    .default(false)
    .describe(
      'Whether a version that passes its gates is trained again on the holdout too: a version of its own, which is the one to deploy and cites the evaluation of the other',
    ),
  metric: MetricName.default('rmse').describe(
    'The one that summaries show, with its interval; a classifier names one of its own, such as rocAuc or macroF1',
  ),
  positive: z
    .union([z.string().max(200), z.number(), z.boolean()])
    .optional()
    .describe('For task binary: the class that is looked for; when absent, the greater of the two'),
  threshold: z
    .number()
    .gt(0)
    .lt(1)
    .optional()
    .describe('For task binary: the probability at or above which the answer is the positive class; 0.5 when absent'),
  classes: z
    .array(z.union([z.string().max(1000), z.number(), z.boolean()]))
    .min(2)
    .max(1000)
    .optional()
    .describe(
      'For a classifier: all values of the target, in the order of the model’s probabilities and of labels that are whole numbers from 0. Without it a model must show the order itself',
    ),
  output: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('The output that is measured, of a model with several; the others are served and logged beside it'),
  quantile: z
    .number()
    .gt(0)
    .lt(1)
    .optional()
    .describe('For task regression: the quantile of the pinball loss; 0.5 when absent'),
  confidence: Confidence.default(0.9).describe('Of the intervals'),
  block: Duration.default('1 day').describe('Rows of the same calendar block are resampled together'),
  gates: z.array(Gate).max(100).default([]).describe('All must pass for a version to be a candidate'),
});

const CanaryMetric = z.strictObject({
  name: MetricName.describe('The metric'),
  max: z.number().optional().describe('It stops above'),
  min: z.number().optional().describe('It stops below'),
  minLabels: z.number().int().min(2).default(30).describe('With fewer labels it decides nothing'),
});
export type CanaryMetric = z.infer<typeof CanaryMetric>;

const Shadow = z.strictObject({
  bake: Duration.default('5m').describe('How long it lasts at least'),
  minRows: z.number().int().min(1).default(50).describe('Rows that must have been compared'),
  tolerance: z
    .number()
    .min(0)
    .default(0)
    .describe("Predictions that differ by more, in the target's unit, are beyond it; the share of these is reported"),
  maxShareBeyond: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe('A higher share of rows beyond the tolerance ends the deployment'),
  maxFailed: z
    .number()
    .min(0)
    .max(1)
    .default(0.01)
    .describe('A higher share of rows that the champion answered and the new release could not ends the deployment'),
});
export type Shadow = z.infer<typeof Shadow>;

const Strategy = z.strictObject({
  shadow: Shadow.optional().describe(
    'Before the first step the champion answers all, the new release is asked too, after the answer, and how they differ is reported',
  ),
  canary: z
    .array(z.number().int().min(1).max(100))
    .min(1)
    .max(20)
    .refine(
      (steps) => steps.at(-1) === 100 && steps.every((step, i) => i === 0 || step > (steps[i - 1] ?? 0)),
      'must rise and end at 100, e.g. [10, 50, 100]',
    )
    .default([100])
    .describe('The percentages of requests that the new release answers, step by step'),
  bake: Duration.default('5m').describe('How long each step lasts'),
  minRequests: z.number().int().min(0).default(50).describe('Requests that the canary must have answered in a step'),
  onInsufficient: z.enum(['extend', 'proceed', 'abort']).default('extend').describe('When a step has had fewer'),
  abortOn: z
    .strictObject({
      errorRate: z
        .number()
        .min(0)
        .max(1)
        .optional()
        .describe(
          'A higher share of requests that the canary fails on and the champion does not, once there are three, rolls it back; the share of those that only the champion fails on is taken off',
        ),
      p99Ms: z
        .number()
        .gt(0)
        .optional()
        .describe(
          'A higher 99th percentile of the latency that gateways measure of the canary, in milliseconds, rolls it back; a step then wants 100 requests at least. Decides nothing in a rehearsal',
        ),
      metric: CanaryMetric.optional().describe(
        "A worse metric of the canary's answers in the step, over those whose labels have arrived, rolls it back",
      ),
    })
    .prefault({})
    .describe('What ends a canary early'),
});
export type Strategy = z.infer<typeof Strategy>;

const { votes, roles, requesterMayVote, lastCommitterMayVote, expires } = ApprovalPolicy.shape;
const Approval = z.strictObject({
  votes: votes.default(1),
  roles: roles.default(['approver']),
  requesterMayVote: requesterMayVote.default(false),
  lastCommitterMayVote,
  expires: expires.default('72h'),
});

const Deploy = z.strictObject({
  environment: Name.default('production').describe('Where the model lives'),
  approval: Approval.prefault({}).describe(
    'What a release needs before it serves; the stricter of this and the minimum of the environment holds',
  ),
  strategy: Strategy.prefault({}).describe('How a release takes over'),
  routingKey: z
    .string()
    .regex(/^parameters\.[A-Za-z0-9_]{1,64}$/, 'names a request parameter, e.g. parameters.user')
    .optional()
    .describe('The request parameter whose hash decides who gets the canary; without it, chance for each request'),
  notify: z
    .array(Name)
    .max(20)
    .default([])
    .describe('Named connections to webhooks that are told of a request for approval, and reminded of it'),
});

/** Whether a request may lack a value that was never missing in the rows that the version was built from. */
export const MissingPolicy = z.enum(['as-trained', 'allow']);
export type MissingPolicy = z.infer<typeof MissingPolicy>;

const Serve = z.strictObject({
  log: z
    .strictObject({
      sample: z.number().min(0).max(1).default(1).describe('The share of requests that is logged'),
      onFull: z
        .enum(['drop-counted', 'refuse'])
        .default('drop-counted')
        .describe('When the log can take no more: answer and count what was dropped, or refuse requests'),
    })
    .prefault({})
    .describe('The log of predictions, which monitoring reads'),
  maxStaleness: Duration.default('10s').describe(
    'How long a gateway that cannot read what is deployed answers as if it were up to date',
  ),
  onStale: z
    .enum(['say', 'refuse'])
    .default('say')
    .describe('After that: answers that say how old what they rest on may be, or 503'),
  // Without a default, so that configurations from before are what they were.
  missing: MissingPolicy.optional().describe(
    'Whether a feature of numbers may be missing in a request that never was in training. as-trained: it is refused; allow: the model is given NaN. Default: as-trained',
  ),
});

const NumericTest = z.enum(['psi', 'ks', 'jensen-shannon', 'wasserstein', 'total-variation']);
const CategoricalTest = z.enum(['psi', 'chi2', 'jensen-shannon', 'total-variation']);
const Share = z.number().gt(0).max(1);

/** Keys that came later have no defaults in the schema, so that configurations from before are what they were. */
const DataQuality = z.strictObject({
  missing: Share.optional().describe(
    'A share of missing values that is greater than the reference’s by this or more. Default: 0.1, if it is also above what chance reaches in one window of 200',
  ),
  range: Share.optional().describe('This share or more of the values outside the least and greatest of the reference'),
  categories: Share.optional().describe('This share or more of the values in categories that the reference has not'),
  failed: Share.optional().describe(
    'This share or more of the rows without a prediction, as the model had no finite one',
  ),
});

const Monitor = z.strictObject({
  every: Duration.default('1h').describe('How often a report is made'),
  window: Duration.default('1 day').describe('What was served of which a report is made, back from its asOf'),
  reference: z
    .enum(['training', 'previous', 'year-ago'])
    .default('training')
    .describe(
      'What drift is measured against: what the champion was trained on, what was served in the window before, or in the same window a year ago. Where too little was served then it is the training, and the report says so',
    ),
  minRows: z.number().int().min(1).default(200).describe('A window with fewer says nothing about drift or performance'),
  drift: z
    .strictObject({
      numeric: NumericTest.default('psi').describe('The test of numeric columns'),
      categorical: CategoricalTest.default('psi').describe('The test of categorical columns'),
      threshold: z
        .number()
        .gt(0)
        .default(0.2)
        .describe(
          'For ks and chi2: a p-value below is drift. For every other test: at or above is drift, if it is also above what chance reaches in one window of 200',
        ),
      exclude: z
        .array(ColumnName)
        .default([])
        .describe('Columns that move by themselves, such as the calendar; reported, decide nothing'),
      minFeatures: z.number().int().min(1).default(1).describe('How many features must have drifted for it to count'),
      fdr: z
        .number()
        .gt(0)
        .lt(1)
        .optional()
        .describe(
          'For ks and chi2, in place of the threshold: the share of false discoveries to bear among the features, by Benjamini and Hochberg',
        ),
      minEffect: z
        .number()
        .min(0)
        .max(1)
        .optional()
        .describe(
          'For ks and chi2: a lesser effect (the largest distance; Cramér’s V) is no drift, however certain. Default: 0.1 with fdr, else 0',
        ),
      minImportance: Share.optional().describe(
        'Feature drift counts only where the drifted features hold this share or more of the champion’s permutation importance; not where that is unknown',
      ),
    })
    .prefault({})
    .describe('Features, prediction and target against the reference'),
  performance: z
    .strictObject({
      metric: MetricName.describe('Over the predictions whose labels have arrived'),
      max: z.number().optional().describe('A finding above'),
      min: z.number().optional().describe('A finding below'),
      estimated: z
        .boolean()
        .optional()
        .describe(
          'Where fewer labels than monitor.minRows have arrived, the estimate is held against the same bounds, as a finding of its own. Default: false',
        ),
    })
    .optional()
    .describe('How good the answers have been'),
  quality: DataQuality.optional().describe(
    'Findings in what was served that lead to no build; without a key its values are reported only, except missing',
  ),
  estimate: z
    .boolean()
    .optional()
    .describe('Whether performance is estimated for rows whose labels have not arrived. Default: true'),
  notify: z
    .array(Name)
    .max(20)
    .default([])
    .describe(
      'Named connections of kind webhook that are told of findings that open and close; rehearsals tell nobody',
    ),
});

export const Budget = z
  .string()
  .regex(/^\d{1,6} per (day|week|month|year)$/, 'expected a budget such as "30 per month"')
  .meta({ title: 'budget' });

const Retrain = z.strictObject({
  schedule: z
    .string()
    .min(1)
    .max(100)
    .optional()
    .describe('Cron of five fields, a name such as @monthly, or @every 6h, in data.timezone'),
  on: z
    .array(TriggerKind.exclude(['manual', 'schedule']))
    .default([])
    .describe('What else leads to a build. Data of which nothing lies in data.window leads to none'),
  debounce: Duration.default('10m').describe(
    'Triggers that come closer together are one; a build waits at most ten of these',
  ),
  cooldown: Duration.default('24h').describe('Between two builds by automation'),
  budget: Budget.default('30 per month').describe(
    'Builds in a calendar period, those that people start by a trigger among them',
  ),
});

const Retention = z.strictObject({
  predictions: Duration.default('400 days').describe('How long what was served is kept'),
  rejectedVersions: Duration.default('90 days').describe(
    'How long the bytes of versions that every evaluation rejected are kept; what a release pins stays',
  ),
});

/** `perennial.yaml` as this version builds it, every default filled in. Its canonical JSON's digest is a ConfigurationVersion's identity. */
export const Configuration = z.strictObject({
  schemaVersion: z.literal(1).describe('Of this format'),
  name: Name.describe('Of the model, unique in its project'),
  task: Task.describe('What kind of answer the model gives: a number, one of two classes, or one of several'),
  owner: z.string().min(1).max(200).describe('The team or person to ask'),
  data: Data.describe('What the model learns from'),
  code: Code.describe('The training program'),
  build: Build.describe('How a version is trained, measured and judged'),
  deploy: Deploy.prefault({}).describe('How a version comes to serve'),
  serve: Serve.prefault({}).describe('How it serves'),
  monitor: Monitor.prefault({}).describe('How what was served is watched'),
  retrain: Retrain.prefault({}).describe('When the loop moves by itself'),
  retention: Retention.prefault({}).describe('How long things are kept'),
});
export type Configuration = z.infer<typeof Configuration>;
export type ConfigurationInput = z.input<typeof Configuration>;
