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
  // No default: a default would change the digests of configurations stored before this key existed.
  missing: MissingPolicy.optional().describe(
    'Whether a feature of numbers may be missing in a request that never was in training. as-trained: it is refused; allow: the model is given NaN. Default: as-trained',
  ),
});
