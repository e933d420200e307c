import { and, eq, gt, inArray, ne } from '../connection/orm.ts';
import type { Id, Sha256 } from '../../contracts/identifiers.ts';
import type { Executor, Transaction } from '../connection/connect.ts';
import { keptAmong } from '../collections/mark-reachable.ts';
import { blobPossessions, blobs } from './blob-tables.ts';

/**
 * Records that these blobs belong to the project: it uploaded them, or a run of it produced them. Every commit of a row
 * that names bytes calls this, with the digests themselves: text that a user wrote is never searched for digests.
 * Again changes nothing.
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

/** Nobody has these blobs any more: their bytes are about to be removed, and whoever names one must upload it again. */
export async function forgetBlobs(tx: Transaction, digests: readonly Sha256[]): Promise<void> {
  await tx.delete(blobPossessions).where(inArray(blobPossessions.sha256, [...digests]));
  await tx.delete(blobs).where(inArray(blobs.sha256, [...digests]));
}

/**
 * The project lets go of blobs that the rows which were just let go of had named. Returns those whose bytes can be removed at
 * once, unless they were put again a short while ago. Another row, of whatever noun, keeps the others; or they belong to
 * another project too, or were uploaded a short while ago: they are left to garbage collection.
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
