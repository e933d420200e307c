import { instantColumn, recordedAtColumn } from '../connection/columns.ts';
import { recordedByColumn } from '../principals/principal-tables.ts';
import { bigint, index, pgTable, primaryKey, text } from '../connection/orm.ts';

export const blobs = pgTable('blobs', {
  sha256: text('sha256').primaryKey(),
  bytes: bigint('bytes', { mode: 'number' }).notNull(),
  leaseUntil: instantColumn('lease_until').notNull(),
  recordedAt: recordedAtColumn(),
  recordedBy: recordedByColumn(),
});

/**
 * The projects that uploaded or produced each blob. Knowing a digest gives no right to the bytes. `project` has no
 * foreign key, because files are often uploaded before the first configuration creates the project.
 */
export const blobPossessions = pgTable(
  'blob_possessions',
  {
    project: text('project').notNull(),
    sha256: text('sha256').notNull(),
    recordedAt: recordedAtColumn(),
    recordedBy: recordedByColumn(),
  },
  (t) => [primaryKey({ columns: [t.project, t.sha256] }), index('blob_possessions_sha256').on(t.sha256)],
);
