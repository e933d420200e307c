import { z } from 'zod';
import { Id, Instant, Sha256 } from '../identifiers.ts';

/** Putting bytes again makes them young; a store may leave those as they are that are younger than this already. */
export const youngMs = 30 * 60_000;
/** Bytes come before the rows that name them, and stay for at least this long whatever reaches them. */
export const shortestGraceMs = 2 * youngMs;
export const usualGraceMs = 24 * 60 * 60_000;
/** An upload stays for as long as this after the run that was asked to take it has ended, so that it can be looked at. */
export const uploadsKeptMs = 30 * 24 * 60 * 60_000;

/** One collection of garbage, of the whole object store. */
export const Collection = z.object({
  id: Id,
  /** Nothing is removed: `collected` is what would have been. */
  dryRun: z.boolean(),
  state: z.enum(['running', 'succeeded', 'failed']),
  graceMs: z.number().int(),
  /** What was put at or after it stays; null until what is reachable has been marked. */
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
