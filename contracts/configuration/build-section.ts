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
    .describe('Passed to the training script; also the seed of bootstrap resamples'),
  params: z
    .record(z.string(), z.json())
    .default({})
    .describe('Passed to the training script as a JSON file; any keys are allowed'),
  timeout: Duration.default('30m').describe('Training that runs longer is stopped'),
  resources: z
    .strictObject({
      queue: z
        .string()
        .regex(trainingQueue, 'expected train, or train- followed by a name of a-z, 0-9 and -, such as train-gpu')
        .default('train')
        .describe(
          'The task queue on which the version is trained; a worker polls the training queues that PERENNIAL_TRAIN_QUEUES lists',
        ),
      memory: ByteSize.optional().describe(
        "Maximum memory of all training processes together, including shared memory; default: half of the memory of the worker's machine",
      ),
      processes: z
        .number()
        .int()
        .min(1)
        .max(100_000)
        .default(500)
        .describe('Maximum number of training processes at once; if there are more, training is stopped'),
      disk: ByteSize.default('20GiB').describe(
        'Maximum size of the output and temporary folders of training; if they hold more, training is stopped',
      ),
      files: z
        .number()
        .int()
        .min(1)
        .max(10_000_000)
        .optional()
        .describe('Maximum number of files and folders in the output and temporary folders; default: 100000'),
    })
    .prefault({})
    .describe('The resources that training may use'),
  holdout: z
    .union([
      z.strictObject({
        last: Duration.describe(
          "Length of the holdout: the last part of the window, counted back from the build's asOf",
        ),
      }),
      z.strictObject({
        fraction: z.number().gt(0).lt(1).describe('Share of the rows, selected by a hash of the column `by`'),
        by: ColumnName.describe('The column whose hash selects the rows, regardless of the seed'),
      }),
    ])
    .describe('The rows that are kept out of training, to measure the version on'),
  refit: z
    .boolean()
    .default(false)
    .describe(
      'Whether a version that passes its gates is trained again with the holdout included. The result is a separate version, which is deployed and cites the evaluation of the first',
    ),
  metric: MetricName.default('rmse').describe(
    'The metric that summaries show, with its confidence interval; a classifier needs a metric of its own task, such as rocAuc or macroF1',
  ),
  positive: z
    .union([z.string().max(200), z.number(), z.boolean()])
    .optional()
    .describe('For task binary: the positive class; when absent, the greater of the two classes'),
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
      'For a classifier: all values of the target, in the order of the model’s probabilities. If the model outputs whole numbers from 0 as labels, they number the classes in this order. When absent, the order must be evident from the model, unless the classes are 0, 1, 2 … or false and true',
    ),
  output: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe(
      'For a model with several outputs: the output that is measured; the others are served and logged with it',
    ),
  quantile: z
    .number()
    .gt(0)
    .lt(1)
    .optional()
    .describe('For task regression: the quantile of the pinball loss; 0.5 when absent'),
  confidence: Confidence.default(0.9).describe('Confidence level of the intervals'),
  block: Duration.default('1 day').describe(
    'Length of a calendar block; the bootstrap resamples all rows of a block together',
  ),
  gates: z.array(Gate).max(100).default([]).describe('A version must pass all gates to become a candidate'),
});
