import { z } from 'zod';
import { Id, Instant, Sha256 } from '../identifiers.ts';

/** The inputs of a report. They are fixed before anything is computed, and stored as a blob. */
export const MonitoringWindow = z.object({
  schemaVersion: z.literal(1),
  from: Instant,
  to: Instant,
  configurationId: Id,
  /** The release that is monitored: the champion when the window was collected. */
  championReleaseId: Id,
  championVersionId: Id,
  segments: z.array(Sha256),
  dropped: z.number().int(),
  /** The earlier window that drift is measured against; absent if it is measured against the training data. */
  reference: z
    .object({ kind: z.enum(['previous', 'year-ago']), from: Instant, to: Instant, segments: z.array(Sha256) })
    .optional(),
});
export type MonitoringWindow = z.infer<typeof MonitoringWindow>;
