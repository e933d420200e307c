import { idColumn, instantColumn, recordedAtColumn, schemaVersionColumn } from '../connection/columns.ts';
import { recordedByColumn } from '../principals/principal-tables.ts';
import { modelIdColumn } from '../models/model-tables.ts';
import {
  bigint,
  check,
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
import type { RunKind } from '../../contracts/runs/run.ts';
import type { Isolation } from '../../contracts/runs/isolation.ts';
import type { RunFailure, RunInputs, RunOutcome, RunRequest } from '../../contracts/runs/run.ts';
import { finalStates, runStates, unfinishedStates } from '../../contracts/runs/run.ts';

/** As part of the schema, where Postgres takes no parameters. */
function quoted(states: readonly string[]) {
  return sql.raw(states.map((state) => `'${state}'`).join(', '));
}

export const runs = pgTable(
  'runs',
  {
    id: idColumn(),
    modelId: modelIdColumn(),
    environment: text('environment').notNull(),
    kind: text('kind').$type<RunKind>().notNull(),
    request: jsonb('request').$type<RunRequest>().notNull(),
    /** Set for a build once its first step has read its inputs. */
    inputs: jsonb('inputs').$type<RunInputs>(),
    because: text('because').notNull(),
    workflowId: text('workflow_id').notNull().unique(),
    state: text('state', { enum: runStates }).notNull(),
    approvalId: uuid('approval_id'),
    outcome: jsonb('outcome').$type<RunOutcome>(),
    failure: jsonb('failure').$type<RunFailure>(),
    schemaVersion: schemaVersionColumn(),
    cancelReason: text('cancel_reason'),
    /** A rollback or a person wants it gone; the lifecycle repeats the order until it is. */
    cancelRequested: text('cancel_requested'),
    /** The lifecycle has ordered its start. */
    orderedAt: instantColumn('ordered_at'),
    /** Temporal's id of the execution that carries it out: the first under its workflow id that asked for a step. */
    executionId: text('execution_id'),
    /** How often the run was restarted because Temporal lost its execution. */
    begunAgain: integer('begun_again').notNull().default(0),
    progressFraction: doublePrecision('progress_fraction'),
    progressMessage: text('progress_message'),
    startedAt: instantColumn('started_at'),
    endedAt: instantColumn('ended_at'),
    recordedAt: recordedAtColumn(),
    effectiveAt: instantColumn('effective_at').notNull(),
    recordedBy: recordedByColumn(),
  },
  (t) => [
    index('runs_scope').on(t.modelId, t.environment, t.id),
    /** The lifecycle counts builds of a budget's period and looks through the newest at every look. */
    index('runs_builds')
      .on(t.modelId, t.environment, t.effectiveAt, t.id)
      .where(sql`kind = 'build'`),
    index('runs_deployed')
      .on(t.modelId, t.environment, sql`(request ->> 'evaluationId')`)
      .where(sql`kind = 'deploy'`),
    index('runs_unfinished')
      .on(t.modelId, t.environment)
      .where(sql`state in (${quoted(unfinishedStates)})`),
    check(
      'runs_state',
      sql`(state = 'failed') = (failure is not null) and (state = 'succeeded') = (outcome is not null) and (state = 'cancelled') = (cancel_reason is not null) and (state in (${quoted(finalStates)})) = (ended_at is not null)`,
    ),
  ],
);

export const runSteps = pgTable(
  'run_steps',
  {
    runId: uuid('run_id')
      .notNull()
      .references(() => runs.id),
    name: text('name').notNull(),
    attempt: integer('attempt').notNull(),
    state: text('state', { enum: ['running', 'succeeded', 'failed'] }).notNull(),
    detail: text('detail').notNull().default(''),
    startedAt: instantColumn('started_at').notNull(),
    endedAt: instantColumn('ended_at'),
    /** What kept it apart on the worker that ran it; null in steps of older versions. */
    isolation: jsonb('isolation').$type<Isolation>(),
    schemaVersion: schemaVersionColumn(),
    recordedAt: recordedAtColumn(),
  },
  (t) => [primaryKey({ columns: [t.runId, t.name, t.attempt] })],
);

/** What steps of a run answered, by digest: a later step of the run takes nothing that no earlier one has answered. */
export const runResults = pgTable(
  'run_results',
  {
    runId: uuid('run_id')
      .notNull()
      .references(() => runs.id),
    step: text('step').notNull(),
    digest: text('digest').notNull(),
    recordedAt: recordedAtColumn(),
  },
  (t) => [primaryKey({ columns: [t.runId, t.step, t.digest] })],
);

export const runLogs = pgTable(
  'run_logs',
  {
    runId: uuid('run_id')
      .notNull()
      .references(() => runs.id),
    sequence: bigint('sequence', { mode: 'number' }).generatedAlwaysAsIdentity(),
    stream: text('stream', { enum: ['stdout', 'stderr', 'system'] }).notNull(),
    line: text('line').notNull(),
    recordedAt: recordedAtColumn(),
  },
  (t) => [primaryKey({ columns: [t.runId, t.sequence] })],
);

/** Who may commit what: the newest attempt holds it. */
export const leases = pgTable(
  'leases',
  {
    name: text('name').primaryKey(),
    holder: text('holder').notNull(),
    leaseUntil: instantColumn('lease_until').notNull(),
    recordedAt: recordedAtColumn(),
    recordedBy: recordedByColumn(),
  },
  (t) => [index('leases_holder').on(t.holder)],
);
