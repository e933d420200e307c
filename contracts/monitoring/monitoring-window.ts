import { z } from 'zod';
import { Id, Instant, Sha256 } from '../identifiers.ts';

/** What a report is made from, fixed before anything is computed; a blob. */
export const MonitoringWindow = z.object({
  schemaVersion: z.literal(1),
  from: Instant,
  to: Instant,
  configurationId: Id,
  /** The release that the window is judged for: the champion when it was collected. */
  championReleaseId: Id,
  championVersionId: Id,
  segments: z.array(Sha256),
  dropped: z.number().int(),
  /** Where something else than the training is to be compared with: what was served then. */
  reference: z
    .object({ kind: z.enum(['previous', 'year-ago']), from: Instant, to: Instant, segments: z.array(Sha256) })
    .optional(),
});
export type MonitoringWindow = z.infer<typeof MonitoringWindow>;
