import { instantColumn, recordedAtColumn, schemaVersionColumn } from '../connection/columns.ts';
import { recordedByColumn } from '../principals/principal-tables.ts';
import { configurations, modelIdColumn, projects } from '../models/model-tables.ts';
import { check, integer, jsonb, pgTable, primaryKey, sql, text, uuid } from '../connection/orm.ts';
import type { ApprovalPolicy } from '../../contracts/serving/environment.ts';
import { datasetVersions } from '../datasets/dataset-tables.ts';
import { codeVersions } from '../code/code-tables.ts';

export const environments = pgTable(
  'environments',
  {
    project: text('project')
      .notNull()
      .references(() => projects.name),
    name: text('name').notNull(),
    clock: text('clock', { enum: ['wall', 'virtual'] }).notNull(),
    virtualNow: instantColumn('virtual_now'),
    minimumPolicy: jsonb('minimum_policy').$type<ApprovalPolicy>(),
    schemaVersion: schemaVersionColumn(),
    recordedAt: recordedAtColumn(),
    recordedBy: recordedByColumn(),
  },
  (t) => [
    primaryKey({ columns: [t.project, t.name] }),
    check('environments_clock', sql`(clock = 'virtual') = (virtual_now is not null)`),
  ],
);

/** Heads and switches of one {model, environment}. Lock this row before any change to the environment. */
export const modelEnvironments = pgTable(
  'model_environments',
  {
    modelId: modelIdColumn(),
    environment: text('environment').notNull(),
    configurationId: uuid('configuration_id').references(() => configurations.id),
    datasetVersionId: uuid('dataset_version_id').references(() => datasetVersions.id),
    codeVersionId: uuid('code_version_id').references(() => codeVersions.id),
    generation: integer('generation').notNull().default(0),
    holdReason: text('hold_reason'),
    rolloutRunId: uuid('rollout_run_id'),
    lastBuildAt: instantColumn('last_build_at'),
    lastMonitorAt: instantColumn('last_monitor_at'),
    /** Virtual clocks only: time of the last settle command. Triggers up to it may build without debounce. */
    settledAt: instantColumn('settled_at'),
    recordedAt: recordedAtColumn(),
    /** The principal that added the model to the environment. The ledger names the principals of later changes. */
    recordedBy: recordedByColumn(),
  },
  (t) => [primaryKey({ columns: [t.modelId, t.environment] })],
);
