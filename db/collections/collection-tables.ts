import { idColumn, instantColumn, recordedAtColumn } from '../connection/columns.ts';
import { recordedByColumn } from '../principals/principal-tables.ts';
import { bigint, boolean, pgTable, primaryKey, sql, text, uniqueIndex, uuid } from '../connection/orm.ts';

/** Collections of garbage: of the whole store, so of no model. One at a time; one that was cut off is taken up again. */
export const garbageCollections = pgTable(
  'garbage_collections',
  {
    id: idColumn(),
    dryRun: boolean('dry_run').notNull(),
    state: text('state', { enum: ['running', 'succeeded', 'failed'] }).notNull(),
    graceMs: bigint('grace_ms', { mode: 'number' }).notNull(),
    /** What was put at or after it stays; null until what is reachable has been marked. */
    putBefore: instantColumn('put_before'),
    /** The last blob that was looked at. */
    cursor: text('cursor'),
    scanned: bigint('scanned', { mode: 'number' }).notNull().default(0),
    collected: bigint('collected', { mode: 'number' }).notNull().default(0),
    collectedBytes: bigint('collected_bytes', { mode: 'number' }).notNull().default(0),
    failure: text('failure'),
    endedAt: instantColumn('ended_at'),
    recordedAt: recordedAtColumn(),
    recordedBy: recordedByColumn(),
  },
  (t) => [
    uniqueIndex('garbage_collections_one')
      .on(t.state)
      .where(sql`state = 'running'`),
  ],
);

/** Which collection a key was answered with: the one that it began, or the one that was under way. */
export const collectionKeys = pgTable(
  'collection_keys',
  {
    recordedBy: recordedByColumn(),
    route: text('route').notNull(),
    idempotencyKey: text('idempotency_key').notNull(),
    requestDigest: text('request_digest').notNull(),
    collectionId: uuid('collection_id')
      .notNull()
      .references(() => garbageCollections.id),
    recordedAt: recordedAtColumn(),
  },
  (t) => [primaryKey({ columns: [t.recordedBy, t.route, t.idempotencyKey] })],
);

/** What a collection under way may not touch; emptied when it ends. */
export const reachableBlobs = pgTable(
  'reachable_blobs',
  {
    collectionId: uuid('collection_id')
      .notNull()
      .references(() => garbageCollections.id),
    sha256: text('sha256').notNull(),
    recordedAt: recordedAtColumn(),
  },
  (t) => [primaryKey({ columns: [t.collectionId, t.sha256] })],
);

/** What a collection removed, or would have. */
export const collectedBlobs = pgTable(
  'collected_blobs',
  {
    collectionId: uuid('collection_id')
      .notNull()
      .references(() => garbageCollections.id),
    sha256: text('sha256').notNull(),
    bytes: bigint('bytes', { mode: 'number' }).notNull(),
    recordedAt: recordedAtColumn(),
  },
  (t) => [primaryKey({ columns: [t.collectionId, t.sha256] })],
);
