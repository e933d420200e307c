import { z } from 'zod';

/** Number of rows without a target on each side of the split. */
export const UnlabelledRows = z.object({ training: z.number().int(), holdout: z.number().int() });
export type UnlabelledRows = z.infer<typeof UnlabelledRows>;

/** Returns a sentence such as `50 rows without a target were left out: 40 from training, 10 from the holdout`. */
export function describeUnlabelled({ training, holdout }: UnlabelledRows): string {
  const all = training + holdout;
  const sides = `${training} from training, ${holdout} from the holdout`;
  return `${all} ${all === 1 ? 'row without a target was' : 'rows without a target were'} left out: ${sides}`;
}
