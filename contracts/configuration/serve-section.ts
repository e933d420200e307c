import { z } from 'zod';
import { Duration } from '../time/duration.ts';

/** Whether a request may omit a feature that had a value in every row that the version was built from. */
export const MissingPolicy = z.enum(['as-trained', 'allow']);
export type MissingPolicy = z.infer<typeof MissingPolicy>;

export const ServeSection = z.strictObject({
  log: z
    .strictObject({
      sample: z.number().min(0).max(1).default(1).describe('The share of requests that is logged'),
      onFull: z
        .enum(['drop-counted', 'refuse'])
        .default('drop-counted')
        .describe(
          'If the log is full: answer requests and count the predictions that were not logged, or refuse requests',
        ),
    })
    .prefault({})
    .describe('The prediction log, which monitoring reads'),
  maxStaleness: Duration.default('10s').describe(
    'How long a gateway may go without reading the deployments from the database before serve.onStale applies',
  ),
  onStale: z
    .enum(['say', 'refuse'])
    .default('say')
    .describe('After serve.maxStaleness: answer and say how old the deployment information is, or refuse with 503'),
  // No default: a default would change the digests of configurations stored before this key existed.
  missing: MissingPolicy.optional().describe(
    'Whether a request may omit a numeric feature that was never missing in training. as-trained: the request is refused; allow: the model receives NaN. Default: as-trained',
  ),
});
