import { idColumn, instantColumn, recordedAtColumn } from '../connection/columns.ts';
import { recordedByColumn } from '../principals/principal-tables.ts';
import { bigint, boolean, pgTable, primaryKey, sql, text, uniqueIndex, uuid } from '../connection/orm.ts';

/**
 * Garbage collections of the whole object store, which belong to no model. Only one runs at a time; an interrupted one
 * is continued.
 */
export const garbageCollections = pgTable(
  'garbage_collections',
  {
    id: idColumn(),
    dryRun: boolean('dry_run').notNull(),
    state: text('state', { enum: ['running', 'succeeded', 'failed'] }).notNull(),
    graceMs: bigint('grace_ms', { mode: 'number' }).notNull(),
    /** Blobs put at or after this time are kept. Null until the reachable blobs have been marked. */
    putBefore: instantColumn('put_before'),
    /** The last blob that was examined. */
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

/** The collection returned for an idempotency key: the one that the request started, or the one already running. */
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

/** Blobs that a running collection must keep. Deleted when it ends. */
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

/** Blobs that a collection removed, or would have removed in a dry run. */
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
