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

/** Returns the states as SQL literals, because DDL takes no parameters. */
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
    /** Inputs of a build, set when its first step reads them. */
    inputs: jsonb('inputs').$type<RunInputs>(),
    because: text('because').notNull(),
    workflowId: text('workflow_id').notNull().unique(),
    state: text('state', { enum: runStates }).notNull(),
    approvalId: uuid('approval_id'),
    outcome: jsonb('outcome').$type<RunOutcome>(),
    failure: jsonb('failure').$type<RunFailure>(),
    schemaVersion: schemaVersionColumn(),
    cancelReason: text('cancel_reason'),
    /** Reason of the cancellation request. The lifecycle repeats the cancellation until the run has ended. */
    cancelRequested: text('cancel_requested'),
    /** When the lifecycle first ordered the start. */
    orderedAt: instantColumn('ordered_at'),
    /**
     * Temporal's id of the execution that carries out the run: the first with the run's workflow id that requested a
     * step, and later the one that it continued as.
     */
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
    /** The lifecycle counts builds in the budget's period and reads the newest ones at every pass. */
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
    /** How the worker isolated the step. Null in steps of older versions. */
    isolation: jsonb('isolation').$type<Isolation>(),
    schemaVersion: schemaVersionColumn(),
    recordedAt: recordedAtColumn(),
  },
  (t) => [primaryKey({ columns: [t.runId, t.name, t.attempt] })],
);

/** Digests of results of a run's steps. A later step accepts as input only a result of an earlier step. */
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

/** Leases decide which attempt may commit. The newest attempt holds the lease. */
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
