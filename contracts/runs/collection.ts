import { z } from 'zod';
import { Id, Instant, Sha256 } from '../identifiers.ts';

/** Storing bytes that exist already resets their age. An object store may skip that for bytes younger than this. */
export const youngMs = 30 * 60_000;
/**
 * The shortest grace period. Bytes are stored before the rows that refer to them, so unreferenced bytes are kept at
 * least this long.
 */
export const shortestGraceMs = 2 * youngMs;
export const usualGraceMs = 24 * 60 * 60_000;
/** Uploads are kept for this long after the end of the run that was to process them, so that they can be inspected. */
export const uploadsKeptMs = 30 * 24 * 60 * 60_000;

/** One garbage collection of the whole object store. */
export const Collection = z.object({
  id: Id,
  /** If true, nothing is removed, and `collected` counts the blobs that would have been removed. */
  dryRun: z.boolean(),
  state: z.enum(['running', 'succeeded', 'failed']),
  graceMs: z.number().int(),
  /** Blobs stored at or after this instant are kept. null until the reachable blobs have been marked. */
  putBefore: Instant.nullable(),
  scanned: z.number().int(),
  collected: z.number().int(),
  collectedBytes: z.number().int(),
  failure: z.string().nullable(),
  endedAt: Instant.nullable(),
  recordedAt: Instant,
  recordedBy: Id,
});
export type Collection = z.infer<typeof Collection>;

export const CollectedBlob = z.object({ sha256: Sha256, bytes: z.number().int() });
export type CollectedBlob = z.infer<typeof CollectedBlob>;
