import { idColumn, recordedAtColumn, schemaVersionColumn } from '../connection/columns.ts';
import { recordedByColumn } from '../principals/principal-tables.ts';
import { modelIdColumn } from '../models/model-tables.ts';
import { bigint, integer, jsonb, pgTable, text, uniqueIndex, uuid } from '../connection/orm.ts';
import type { PartSummary } from '../../contracts/data/part-summary.ts';
import type { DataWarning } from '../../contracts/data/data-warning.ts';
import type { DatasetManifest, DatasetProfile, ExpectationResult } from '../../contracts/data/dataset-version.ts';

export const datasetVersions = pgTable(
  'dataset_versions',
  {
    id: idColumn(),
    modelId: modelIdColumn(),
    number: integer('number').notNull(),
    digest: text('digest').notNull(),
    manifest: jsonb('manifest').$type<DatasetManifest>().notNull(),
    profile: jsonb('profile').$type<DatasetProfile>(),
    expectations: jsonb('expectations').$type<ExpectationResult[]>().notNull(),
    warnings: jsonb('warnings').$type<DataWarning[]>().notNull().default([]),
    /** Summaries of the parts; null in versions that were committed without them. */
    summaries: jsonb('summaries').$type<PartSummary[]>(),
    schemaVersion: schemaVersionColumn(),
    rowsAdded: bigint('rows_added', { mode: 'number' }).notNull(),
    rowsSkipped: bigint('rows_skipped', { mode: 'number' }).notNull(),
    rowsReplaced: bigint('rows_replaced', { mode: 'number' }).notNull().default(0),
    rowsRemoved: bigint('rows_removed', { mode: 'number' }).notNull().default(0),
    runId: uuid('run_id').notNull(),
    recordedAt: recordedAtColumn(),
    recordedBy: recordedByColumn(),
  },
  (t) => [
    uniqueIndex('dataset_versions_number').on(t.modelId, t.number),
    uniqueIndex('dataset_versions_digest').on(t.modelId, t.digest),
  ],
);

/**
 * Profiles of every row of versions whose own profile is partly that of an earlier version. They were made after the
 * version was committed.
 */
export const fullProfiles = pgTable('full_profiles', {
  datasetVersionId: uuid('dataset_version_id')
    .primaryKey()
    .references(() => datasetVersions.id),
  profile: jsonb('profile').$type<DatasetProfile>().notNull(),
  schemaVersion: schemaVersionColumn(),
  recordedAt: recordedAtColumn(),
});
