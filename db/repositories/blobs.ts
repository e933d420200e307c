import { eq, sql } from 'drizzle-orm';
import type { BlobRepository } from '../../ports/repositories/blobs.ts';
import { query } from '../connection.ts';
import type { RepositoryContext } from '../context.ts';
import { toDate } from '../instants.ts';
import { blobs } from '../schema.ts';

export function createBlobRepository({ db }: RepositoryContext): BlobRepository {
  return {
    record: (sha256, bytes, leaseUntil, by) =>
      query(db, async () => {
        await db
          .insert(blobs)
          .values({ sha256, bytes, leaseUntil: toDate(leaseUntil), recordedBy: by })
          // A shorter lease of one uploader takes nothing from a longer one of another.
          .onConflictDoUpdate({
            target: blobs.sha256,
            set: { leaseUntil: sql`greatest(${blobs.leaseUntil}, excluded.lease_until)` },
          });
      }),
    has: (sha256) =>
      query(
        db,
        async () => (await db.select({ sha256: blobs.sha256 }).from(blobs).where(eq(blobs.sha256, sha256))).length > 0,
      ),
  };
}
