import { instantColumn, recordedAtColumn } from '../connection/columns.ts';
import { recordedByColumn } from '../principals/principal-tables.ts';
import { modelIdColumn } from '../models/model-tables.ts';
import { bigint, index, jsonb, pgTable, primaryKey, sql, text } from '../connection/orm.ts';

/** Append-only, with one sequence per model. A trigger in the migrations refuses updates and deletes. */
export const ledger = pgTable(
  'ledger',
  {
    modelId: modelIdColumn(),
    sequence: bigint('sequence', { mode: 'number' }).notNull(),
    kind: text('kind').notNull(),
    environment: text('environment'),
    subject: jsonb('subject').$type<Record<string, unknown>>().notNull(),
    reason: text('reason').notNull(),
    digest: text('digest').notNull(),
    previous: text('previous'),
    recordedAt: instantColumn('recorded_at').notNull(),
    effectiveAt: instantColumn('effective_at').notNull(),
    recordedBy: recordedByColumn(),
  },
  (t) => [
    primaryKey({ columns: [t.modelId, t.sequence] }),
    index('ledger_newest').on(t.recordedAt, t.modelId, t.sequence),
    /** For `decidedByRun`, with which a repeated commit detects that it already ran. */
    index('ledger_run').on(t.modelId, t.kind, sql`(subject ->> 'runId')`),
    /** For the newest entry of a kind in an environment, such as the generation that was decided there. */
    index('ledger_scope').on(t.modelId, t.environment, t.kind, t.sequence),
  ],
);

/**
 * Heads that were signed and copied to the object store, so that a missing copy is noticed. Removed together with the
 * copies.
 */
export const ledgerHeads = pgTable(
  'ledger_heads',
  {
    modelId: modelIdColumn(),
    sequence: bigint('sequence', { mode: 'number' }).notNull(),
    signedAt: instantColumn('signed_at').notNull(),
    recordedAt: recordedAtColumn(),
    recordedBy: recordedByColumn(),
  },
  (t) => [primaryKey({ columns: [t.modelId, t.sequence] })],
);
