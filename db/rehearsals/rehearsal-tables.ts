import { idColumn, recordedAtColumn, schemaVersionColumn } from '../connection/columns.ts';
import { principals, recordedByColumn } from '../principals/principal-tables.ts';
import { modelIdColumn } from '../models/model-tables.ts';
import { integer, jsonb, pgTable, primaryKey, text, uuid } from '../connection/orm.ts';
import type { RehearsalPeriod, RehearsalPlan, RehearsalSummary } from '../../contracts/runs/rehearsal.ts';

export const rehearsals = pgTable('rehearsals', {
  id: idColumn(),
  modelId: modelIdColumn(),
  environment: text('environment').notNull().unique(),
  runId: uuid('run_id').notNull().unique(),
  plan: jsonb('plan').$type<RehearsalPlan>().notNull(),
  metric: text('metric').notNull(),
  principalId: uuid('principal_id')
    .notNull()
    .references(() => principals.id),
  /** Digest of the file from which the periods are ingested; null until the run has written it. */
  rows: text('rows'),
  summary: jsonb('summary').$type<RehearsalSummary>(),
  schemaVersion: schemaVersionColumn(),
  recordedAt: recordedAtColumn(),
  recordedBy: recordedByColumn(),
});

export const rehearsalPeriods = pgTable(
  'rehearsal_periods',
  {
    rehearsalId: uuid('rehearsal_id')
      .notNull()
      .references(() => rehearsals.id),
    index: integer('index').notNull(),
    body: jsonb('body').$type<RehearsalPeriod>().notNull(),
    schemaVersion: schemaVersionColumn(),
    recordedAt: recordedAtColumn(),
    recordedBy: recordedByColumn(),
  },
  (t) => [primaryKey({ columns: [t.rehearsalId, t.index] })],
);
