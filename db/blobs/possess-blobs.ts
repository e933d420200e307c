import { and, eq, gt, inArray, ne } from '../connection/orm.ts';
import type { Id, Sha256 } from '../../contracts/identifiers.ts';
import type { Executor, Transaction } from '../connection/connect.ts';
import { keptAmong } from '../collections/mark-reachable.ts';
import { blobPossessions, blobs } from './blob-tables.ts';

/**
 * Records that the project uploaded or produced these blobs. Every commit of a row that names bytes must call this with
 * the digests themselves; text written by users is never searched for digests. Repeating the call changes nothing.
 */
export async function possessBlobs(
  tx: Executor,
  project: string,
  digests: readonly (Sha256 | null | undefined)[],
  by: Id,
): Promise<void> {
  const named = new Set(digests.filter((sha256) => sha256 !== null && sha256 !== undefined));
  if (named.size === 0) return;
  await tx
    .insert(blobPossessions)
    .values([...named].map((sha256) => ({ project, sha256, recordedBy: by })))
    .onConflictDoNothing();
}

export async function possesses(tx: Executor, project: string, sha256: Sha256): Promise<boolean> {
  const rows = await tx
    .select({ sha256: blobPossessions.sha256 })
    .from(blobPossessions)
    .where(and(eq(blobPossessions.project, project), eq(blobPossessions.sha256, sha256)));
  return rows.length > 0;
}

/**
 * Deletes all records of these blobs before their bytes are removed. A later request that names one must upload it
 * again.
 */
export async function forgetBlobs(tx: Transaction, digests: readonly Sha256[]): Promise<void> {
  await tx.delete(blobPossessions).where(inArray(blobPossessions.sha256, [...digests]));
  await tx.delete(blobs).where(inArray(blobs.sha256, [...digests]));
}

/**
 * Releases blobs after the project's rows that named them have expired. Returns the digests whose bytes may be removed
 * now, unless they were put again recently. The other blobs are left to garbage collection: a row still references
 * them, another project has them, or they were uploaded recently.
 */
export async function letGoOfBlobs(
  tx: Transaction,
  project: string,
  digests: readonly Sha256[],
  now: Date,
): Promise<readonly Sha256[]> {
  const listed = [...digests];
  if (listed.length === 0) return [];
  const elsewhere = await tx
    .selectDistinct({ sha256: blobPossessions.sha256 })
    .from(blobPossessions)
    .where(and(ne(blobPossessions.project, project), inArray(blobPossessions.sha256, listed)));
  const leased = await tx
    .select({ sha256: blobs.sha256 })
    .from(blobs)
    .where(and(gt(blobs.leaseUntil, now), inArray(blobs.sha256, listed)));
  const kept = new Set([...[...elsewhere, ...leased].map((row) => row.sha256), ...(await keptAmong(tx, listed))]);
  const free = listed.filter((sha256) => !kept.has(sha256));
  await forgetBlobs(tx, free);
  return free;
}
