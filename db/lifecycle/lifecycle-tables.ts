import { idColumn, instantColumn, recordedAtColumn } from '../connection/columns.ts';
import { recordedByColumn } from '../principals/principal-tables.ts';
import { modelIdColumn } from '../models/model-tables.ts';
import { index, jsonb, pgTable, sql, text, uniqueIndex, uuid } from '../connection/orm.ts';
import type { CommandBody } from '../../contracts/runs/command.ts';

export const commands = pgTable(
  'commands',
  {
    id: idColumn(),
    modelId: modelIdColumn(),
    environment: text('environment').notNull(),
    body: jsonb('body').$type<CommandBody>().notNull(),
    bodyDigest: text('body_digest').notNull(),
    idempotencyKey: text('idempotency_key'),
    route: text('route'),
    runId: uuid('run_id'),
    status: text('status', { enum: ['pending', 'accepted', 'refused'] }).notNull(),
    refusal: text('refusal'),
    recordedAt: recordedAtColumn(),
    recordedBy: recordedByColumn(),
  },
  (t) => [
    uniqueIndex('commands_idempotency')
      .on(t.recordedBy, t.route, t.idempotencyKey)
      .where(sql`idempotency_key is not null`),
    /** Finds the principal that requested a run's cancellation. */
    index('commands_cancel')
      .on(sql`(body ->> 'runId')`)
      .where(sql`body ->> 'kind' = 'cancel'`),
    index('commands_pending')
      .on(t.modelId, t.environment, t.id)
      .where(sql`status = 'pending'`),
  ],
);

export const triggers = pgTable(
  'triggers',
  {
    id: idColumn(),
    modelId: modelIdColumn(),
    environment: text('environment').notNull(),
    kind: text('kind', { enum: ['manual', 'schedule', 'new-data', 'new-code', 'drift', 'performance'] }).notNull(),
    reason: text('reason').notNull(),
    fingerprint: text('fingerprint').notNull(),
    status: text('status', { enum: ['pending', 'consumed', 'dropped'] }).notNull(),
    runId: uuid('run_id'),
    droppedBecause: text('dropped_because'),
    recordedAt: recordedAtColumn(),
    effectiveAt: instantColumn('effective_at').notNull(),
    recordedBy: recordedByColumn(),
  },
  (t) => [
    uniqueIndex('triggers_once').on(t.modelId, t.environment, t.kind, t.fingerprint),
    index('triggers_pending')
      .on(t.modelId, t.environment)
      .where(sql`status = 'pending'`),
  ],
);
