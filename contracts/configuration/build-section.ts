import { z } from 'zod';
import { MetricName } from '../models/metrics.ts';
import { ColumnName } from './column-name.ts';
import { Confidence, Gate } from './gates.ts';
import { Duration } from '../time/duration.ts';
import { trainingQueue } from '../runs/workflows.ts';
import { ByteSize } from './byte-size-setting.ts';

export const BuildSection = z.strictObject({
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
