import { idColumn, instantColumn, recordedAtColumn, schemaVersionColumn } from '../connection/columns.ts';
import { modelIdColumn } from '../models/model-tables.ts';
import {
  bigint,
  doublePrecision,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  sql,
  text,
  uuid,
} from '../connection/orm.ts';
import type { CountedEpoch } from './add-epochs.ts';

export const gateways = pgTable('gateways', {
  id: idColumn(),
  address: text('address').notNull(),
  startedAt: instantColumn('started_at').notNull(),
  leaseUntil: instantColumn('lease_until').notNull(),
  recordedAt: recordedAtColumn(),
});

/** Every load that a gateway reported, so that the generation it served at an instant can be reconstructed. */
export const acknowledgements = pgTable(
  'acknowledgements',
  {
    gatewayId: uuid('gateway_id')
      .notNull()
      .references(() => gateways.id),
    modelId: modelIdColumn(),
    environment: text('environment').notNull(),
    generation: integer('generation').notNull(),
    error: text('error'),
    /**
     * How the generation differs from its ledger entry, while it does. The gateway does not serve such a generation.
     */
    mismatch: text('mismatch'),
    recordedAt: recordedAtColumn(),
  },
  (t) => [
    primaryKey({ columns: [t.gatewayId, t.modelId, t.environment, t.generation] }),
    index('acknowledgements_mismatch')
      .on(t.modelId)
      .where(sql`mismatch is not null`),
  ],
);

export const servingCounts = pgTable(
  'serving_counts',
  {
    gatewayId: uuid('gateway_id')
      .notNull()
      .references(() => gateways.id),
    modelId: modelIdColumn(),
    environment: text('environment').notNull(),
    generation: integer('generation').notNull(),
    releaseDigest: text('release_digest').notNull(),
    requests: bigint('requests', { mode: 'number' }).notNull(),
    errors: bigint('errors', { mode: 'number' }).notNull(),
    /** Errors on requests that the step's other release could answer. */
    ownErrors: bigint('own_errors', { mode: 'number' }).notNull().default(0),
    latency: jsonb('latency').$type<number[]>().notNull().default([]),
    /** The latest reported epochs, so that a repeated report adds nothing. */
    epochs: jsonb('epochs').$type<CountedEpoch[]>().notNull().default([]),
    schemaVersion: schemaVersionColumn(),
    /** Time of the latest report. */
    recordedAt: recordedAtColumn(),
  },
  (t) => [primaryKey({ columns: [t.gatewayId, t.modelId, t.environment, t.generation, t.releaseDigest] })],
);

export const shadowCounts = pgTable(
  'shadow_counts',
  {
    gatewayId: uuid('gateway_id')
      .notNull()
      .references(() => gateways.id),
    modelId: modelIdColumn(),
    environment: text('environment').notNull(),
    generation: integer('generation').notNull(),
    releaseDigest: text('release_digest').notNull(),
    compared: bigint('compared', { mode: 'number' }).notNull(),
    failed: bigint('failed', { mode: 'number' }).notNull(),
    dropped: bigint('dropped', { mode: 'number' }).notNull(),
    absoluteDifference: doublePrecision('absolute_difference').notNull(),
    beyond: bigint('beyond', { mode: 'number' }).notNull(),
    epochs: jsonb('epochs').$type<CountedEpoch[]>().notNull().default([]),
    schemaVersion: schemaVersionColumn(),
    /** Time of the latest report. */
    recordedAt: recordedAtColumn(),
  },
  (t) => [primaryKey({ columns: [t.gatewayId, t.modelId, t.environment, t.generation, t.releaseDigest] })],
);
