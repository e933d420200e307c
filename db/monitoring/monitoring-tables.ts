import { idColumn, instantColumn, recordedAtColumn } from '../connection/columns.ts';
import { recordedByColumn } from '../principals/principal-tables.ts';
import { modelIdColumn } from '../models/model-tables.ts';
import { doublePrecision, index, jsonb, pgTable, sql, text, uniqueIndex, uuid } from '../connection/orm.ts';
import type { ReportBody } from '../../contracts/monitoring/report.ts';
import { releases } from '../deployments/deployment-tables.ts';

export const reports = pgTable(
  'reports',
  {
    id: idColumn(),
    modelId: modelIdColumn(),
    environment: text('environment').notNull(),
    digest: text('digest').notNull(),
    body: jsonb('body').$type<ReportBody>().notNull(),
    runId: uuid('run_id').notNull().unique(),
    recordedAt: recordedAtColumn(),
    effectiveAt: instantColumn('effective_at').notNull(),
    recordedBy: recordedByColumn(),
  },
  (t) => [index('reports_scope').on(t.modelId, t.environment, t.id)],
);

export const findings = pgTable(
  'findings',
  {
    id: idColumn(),
    modelId: modelIdColumn(),
    environment: text('environment').notNull(),
    kind: text('kind', { enum: ['drift', 'performance', 'missing', 'range', 'new-category', 'failed'] }).notNull(),
    subject: text('subject').notNull(),
    championReleaseId: uuid('champion_release_id')
      .notNull()
      .references(() => releases.id),
    value: doublePrecision('value').notNull(),
    threshold: doublePrecision('threshold').notNull(),
    openedBy: uuid('opened_by').notNull(),
    openedAt: instantColumn('opened_at').notNull(),
    /** End of the first clear window, while a second one is awaited. */
    clearSince: instantColumn('clear_since'),
    closedBy: uuid('closed_by'),
    closedAt: instantColumn('closed_at'),
    recordedAt: recordedAtColumn(),
    recordedBy: recordedByColumn(),
  },
  (t) => [
    uniqueIndex('findings_open_once')
      .on(t.modelId, t.environment, t.kind, t.subject, t.championReleaseId)
      .where(sql`closed_at is null`),
  ],
);
