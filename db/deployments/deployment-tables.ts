import { idColumn, instantColumn, recordedAtColumn, schemaVersionColumn } from '../connection/columns.ts';
import { recordedByColumn } from '../principals/principal-tables.ts';
import { configurations, modelIdColumn } from '../models/model-tables.ts';
import { integer, jsonb, pgTable, primaryKey, text, uniqueIndex, uuid } from '../connection/orm.ts';
import type { Slot } from '../../contracts/serving/deployment.ts';
import type { ReleaseBody } from '../../contracts/serving/release.ts';
import { datasetVersions } from '../datasets/dataset-tables.ts';
import { codeVersions } from '../code/code-tables.ts';
import { evaluations, modelVersions } from '../versions/version-tables.ts';

export const releases = pgTable(
  'releases',
  {
    id: idColumn(),
    modelId: modelIdColumn(),
    number: integer('number').notNull(),
    digest: text('digest').notNull(),
    body: jsonb('body').$type<ReleaseBody>().notNull(),
    modelVersionId: uuid('model_version_id')
      .notNull()
      .references(() => modelVersions.id),
    evaluationId: uuid('evaluation_id')
      .notNull()
      .references(() => evaluations.id),
    configurationId: uuid('configuration_id')
      .notNull()
      .references(() => configurations.id),
    datasetVersionId: uuid('dataset_version_id')
      .notNull()
      .references(() => datasetVersions.id),
    codeVersionId: uuid('code_version_id')
      .notNull()
      .references(() => codeVersions.id),
    recordedAt: recordedAtColumn(),
    recordedBy: recordedByColumn(),
  },
  (t) => [
    uniqueIndex('releases_number').on(t.modelId, t.number),
    uniqueIndex('releases_digest').on(t.modelId, t.digest),
  ],
);

/** Releases that a rollback abandoned in an environment. Automation does not promote them there again. */
export const withdrawals = pgTable(
  'withdrawals',
  {
    modelId: modelIdColumn(),
    environment: text('environment').notNull(),
    releaseId: uuid('release_id')
      .notNull()
      .references(() => releases.id),
    reason: text('reason').notNull(),
    runId: uuid('run_id').notNull(),
    recordedAt: recordedAtColumn(),
    recordedBy: recordedByColumn(),
  },
  (t) => [primaryKey({ columns: [t.modelId, t.environment, t.releaseId] })],
);

export const generations = pgTable(
  'generations',
  {
    modelId: modelIdColumn(),
    environment: text('environment').notNull(),
    generation: integer('generation').notNull(),
    slots: jsonb('slots').$type<Slot[]>().notNull(),
    schemaVersion: schemaVersionColumn(),
    change: text('change', {
      enum: ['first', 'shadow', 'canary', 'promote', 'abort', 'rollback', 'archive', 'restore'],
    }).notNull(),
    reason: text('reason').notNull(),
    runId: uuid('run_id').notNull(),
    recordedAt: recordedAtColumn(),
    effectiveAt: instantColumn('effective_at').notNull(),
    recordedBy: recordedByColumn(),
  },
  (t) => [primaryKey({ columns: [t.modelId, t.environment, t.generation] })],
);
