import { idColumn, instantColumn, recordedAtColumn, schemaVersionColumn } from '../connection/columns.ts';
import { recordedByColumn } from '../principals/principal-tables.ts';
import { configurations, modelIdColumn } from '../models/model-tables.ts';
import { bigint, index, integer, jsonb, pgTable, text, unique, uniqueIndex, uuid } from '../connection/orm.ts';
import type { FormattedModel } from '../../contracts/model-format.ts';
import type { EvaluationBody } from '../../contracts/models/evaluation.ts';
import type { TrainedRows, TrainingKeyParts } from '../../contracts/models/model-version.ts';
import { datasetVersions } from '../datasets/dataset-tables.ts';
import { codeVersions } from '../code/code-tables.ts';

export const modelVersions = pgTable(
  'model_versions',
  {
    id: idColumn(),
    modelId: modelIdColumn(),
    number: integer('number').notNull(),
    format: text('format').$type<FormattedModel['format']>().notNull(),
    artifact: text('artifact').notNull(),
    artifactBytes: bigint('artifact_bytes', { mode: 'number' }).notNull(),
    signature: jsonb('signature').$type<FormattedModel['signature']>().notNull(),
    reference: text('reference').notNull(),
    trainingKey: text('training_key').notNull(),
    trainingKeyParts: jsonb('training_key_parts').$type<TrainingKeyParts>().notNull(),
    trained: jsonb('trained').$type<TrainedRows>().notNull(),
    datasetVersionId: uuid('dataset_version_id')
      .notNull()
      .references(() => datasetVersions.id),
    codeVersionId: uuid('code_version_id')
      .notNull()
      .references(() => codeVersions.id),
    configurationId: uuid('configuration_id')
      .notNull()
      .references(() => configurations.id),
    scriptMetrics: jsonb('script_metrics').$type<Record<string, number>>().notNull(),
    files: jsonb('files').$type<{ path: string; sha256: string; bytes: number }[]>().notNull(),
    schemaVersion: schemaVersionColumn(),
    runId: uuid('run_id').notNull(),
    recordedAt: recordedAtColumn(),
    recordedBy: recordedByColumn(),
  },
  (t) => [
    uniqueIndex('model_versions_number').on(t.modelId, t.number),
    uniqueIndex('model_versions_training_key').on(t.modelId, t.trainingKey),
  ],
);

export const evaluations = pgTable(
  'evaluations',
  {
    id: idColumn(),
    modelId: modelIdColumn(),
    environment: text('environment').notNull(),
    modelVersionId: uuid('model_version_id')
      .notNull()
      .references(() => modelVersions.id),
    championVersionId: uuid('champion_version_id').references(() => modelVersions.id),
    digest: text('digest').notNull(),
    body: jsonb('body').$type<EvaluationBody>().notNull(),
    runId: uuid('run_id').notNull(),
    recordedAt: recordedAtColumn(),
    effectiveAt: instantColumn('effective_at').notNull(),
    recordedBy: recordedByColumn(),
  },
  (t) => [
    index('evaluations_version').on(t.modelVersionId),
    // A run with a refit has two evaluations: one of the measured version, and one of the refitted version that cites
    // it. A deployment evaluates again if the champion has changed.
    unique('evaluations_run_version_champion').on(t.runId, t.modelVersionId, t.championVersionId).nullsNotDistinct(),
  ],
);
