import { sql } from '../connection/orm.ts';
import type { BlobRepository } from '../../ports/repositories/blob-repository.ts';
import { query, transact } from '../connection/connect.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import { toDate } from '../connection/instants.ts';
import { possessBlobs, possesses } from './possess-blobs.ts';
import { blobs } from './blob-tables.ts';

export function createBlobRepository({ db }: RepositoryContext): BlobRepository {
  return {
    record: (project, { sha256, bytes, leaseUntil }, by) =>
      transact(db, async (tx) => {
        await tx
          .insert(blobs)
          .values({ sha256, bytes, leaseUntil: toDate(leaseUntil), recordedBy: by })
          // A later upload with a shorter lease must not shorten the existing lease.
          .onConflictDoUpdate({
            target: blobs.sha256,
            set: { leaseUntil: sql`greatest(${blobs.leaseUntil}, excluded.lease_until)` },
          });
        await possessBlobs(tx, project, [sha256], by);
      }),
    has: (project, sha256) => query(db, () => possesses(db, project, sha256)),
  };
}
