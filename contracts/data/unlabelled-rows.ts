import { z } from 'zod';

/** Rows without a target, by the side of the split that they would have been on. */
export const UnlabelledRows = z.object({ training: z.number().int(), holdout: z.number().int() });
export type UnlabelledRows = z.infer<typeof UnlabelledRows>;

/** `50 rows without a target were left out: 40 of training, 10 of the holdout` */
export function describeUnlabelled({ training, holdout }: UnlabelledRows): string {
  const all = training + holdout;
  const sides = `${training} of training, ${holdout} of the holdout`;
  return `${all} ${all === 1 ? 'row without a target was' : 'rows without a target were'} left out: ${sides}`;
}
