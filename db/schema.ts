import {
  bigint,
  boolean,
  check,
  doublePrecision,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  sql,
  text,
  timestamp,
  unique,
  uniqueIndex,
  uuid,
} from './orm.ts';
import type { CountedEpoch } from './add-epochs.ts';
import type { Approval, ApprovalSubject, ApprovalWarning } from '../contracts/approval.ts';
import type { EvidenceDetails } from '../contracts/approval-evidence.ts';
import type { CodeManifest, CodeOrigin } from '../contracts/code.ts';
import type { CommandBody } from '../contracts/command.ts';
import type { Configuration } from '../contracts/configuration.ts';
import type { DataWarning } from '../contracts/data-warning.ts';
import type { DatasetManifest, DatasetProfile, ExpectationResult } from '../contracts/dataset.ts';
import type { Slot } from '../contracts/deployment.ts';
import type { ApprovalPolicy } from '../contracts/environment.ts';
import type { EvaluationBody } from '../contracts/evaluation.ts';
import type { ClassValue, Signature, TrainedRows, TrainingKeyParts } from '../contracts/model-version.ts';
import type { RehearsalPeriod, RehearsalPlan, RehearsalSummary } from '../contracts/rehearsal.ts';
import type { ReleaseBody } from '../contracts/release.ts';
import type { ReportBody } from '../contracts/report.ts';
import type { Isolation } from '../contracts/isolation.ts';
import type { RunFailure, RunInputs, RunOutcome, RunRequest } from '../contracts/run.ts';

// One table a noun. Immutable things belong to a model and carry their digest; what moves belongs to
// {model, environment}. `recordedAt` is the wall clock, `effectiveAt` the environment's.

const id = () => uuid('id').primaryKey();
const instant = (name: string) => timestamp(name, { withTimezone: true, precision: 3, mode: 'date' });
const recordedAt = () =>
  instant('recorded_at')
    .notNull()
    .default(sql`now()`);
const recordedBy = () =>
  uuid('recorded_by')
    .notNull()
    .references(() => principals.id);
/** Of the JSON in a row that names no version of its own: lists, and objects whose shape is shared with what has none. */
const schemaVersion = () => integer('schema_version').notNull().default(1);
const modelId = () =>
  uuid('model_id')
    .notNull()
    .references(() => models.id);

export const principals = pgTable('principals', {
  id: id(),
  name: text('name').notNull().unique(),
  kind: text('kind', { enum: ['person', 'service'] }).notNull(),
  archivedAt: instant('archived_at'),
  recordedAt: recordedAt(),
  /** null: made by the installation itself. */
  recordedBy: uuid('recorded_by'),
});

export const grants = pgTable(
  'grants',
  {
    id: id(),
    principalId: uuid('principal_id')
      .notNull()
      .references(() => principals.id),
    role: text('role', { enum: ['viewer', 'operator', 'approver', 'admin'] }).notNull(),
    project: text('project'),
    model: text('model'),
    environment: text('environment'),
    recordedAt: recordedAt(),
    recordedBy: uuid('recorded_by'),
  },
  (t) => [
    uniqueIndex('grants_once').on(
      t.principalId,
      t.role,
      sql`coalesce(project, '')`,
      sql`coalesce(model, '')`,
      sql`coalesce(environment, '')`,
    ),
  ],
);

export const apiKeys = pgTable('api_keys', {
  id: id(),
  principalId: uuid('principal_id')
    .notNull()
    .references(() => principals.id),
  hash: text('hash').notNull().unique(),
  label: text('label').notNull(),
  /** Null: in force until it is revoked. By the wall clock. */
  expiresAt: instant('expires_at'),
  revokedAt: instant('revoked_at'),
  revokedBy: uuid('revoked_by'),
  recordedAt: recordedAt(),
  recordedBy: uuid('recorded_by'),
});

export const projects = pgTable('projects', {
  name: text('name').primaryKey(),
  recordedAt: recordedAt(),
  recordedBy: recordedBy(),
});

export const environments = pgTable(
  'environments',
  {
    project: text('project')
      .notNull()
      .references(() => projects.name),
    name: text('name').notNull(),
    clock: text('clock', { enum: ['wall', 'virtual'] }).notNull(),
    virtualNow: instant('virtual_now'),
    minimumPolicy: jsonb('minimum_policy').$type<ApprovalPolicy>(),
    schemaVersion: schemaVersion(),
    recordedAt: recordedAt(),
    recordedBy: recordedBy(),
  },
  (t) => [
    primaryKey({ columns: [t.project, t.name] }),
    check('environments_clock', sql`(clock = 'virtual') = (virtual_now is not null)`),
  ],
);

export const models = pgTable(
  'models',
  {
    id: id(),
    project: text('project')
      .notNull()
      .references(() => projects.name),
    name: text('name').notNull(),
    task: text('task', { enum: ['regression', 'binary', 'multiclass'] }).notNull(),
    owner: text('owner').notNull(),
    archivedAt: instant('archived_at'),
    recordedAt: recordedAt(),
    recordedBy: recordedBy(),
  },
  (t) => [uniqueIndex('models_name').on(t.project, t.name)],
);

export const configurations = pgTable(
  'configurations',
  {
    id: id(),
    modelId: modelId(),
    number: integer('number').notNull(),
    digest: text('digest').notNull(),
    body: jsonb('body').$type<Configuration>().notNull(),
    recordedAt: recordedAt(),
    recordedBy: recordedBy(),
  },
  (t) => [
    uniqueIndex('configurations_number').on(t.modelId, t.number),
    uniqueIndex('configurations_digest').on(t.modelId, t.digest),
  ],
);

export const blobs = pgTable('blobs', {
  sha256: text('sha256').primaryKey(),
  bytes: bigint('bytes', { mode: 'number' }).notNull(),
  leaseUntil: instant('lease_until').notNull(),
  recordedAt: recordedAt(),
  recordedBy: recordedBy(),
});

/**
 * Which project has which bytes: it uploaded them, or its runs produced them. A digest alone gives no right to them.
 * `project` refers to no row of `projects`, since files are often uploaded before the first configuration is applied.
 */
export const blobPossessions = pgTable(
  'blob_possessions',
  {
    project: text('project').notNull(),
    sha256: text('sha256').notNull(),
    recordedAt: recordedAt(),
    recordedBy: recordedBy(),
  },
  (t) => [primaryKey({ columns: [t.project, t.sha256] }), index('blob_possessions_sha256').on(t.sha256)],
);

export const datasetVersions = pgTable(
  'dataset_versions',
  {
    id: id(),
    modelId: modelId(),
    number: integer('number').notNull(),
    digest: text('digest').notNull(),
    manifest: jsonb('manifest').$type<DatasetManifest>().notNull(),
    profile: jsonb('profile').$type<DatasetProfile>(),
    expectations: jsonb('expectations').$type<ExpectationResult[]>().notNull(),
    warnings: jsonb('warnings').$type<DataWarning[]>().notNull().default([]),
    schemaVersion: schemaVersion(),
    rowsAdded: bigint('rows_added', { mode: 'number' }).notNull(),
    rowsSkipped: bigint('rows_skipped', { mode: 'number' }).notNull(),
    rowsReplaced: bigint('rows_replaced', { mode: 'number' }).notNull().default(0),
    rowsRemoved: bigint('rows_removed', { mode: 'number' }).notNull().default(0),
    runId: uuid('run_id').notNull(),
    recordedAt: recordedAt(),
    recordedBy: recordedBy(),
  },
  (t) => [
    uniqueIndex('dataset_versions_number').on(t.modelId, t.number),
    uniqueIndex('dataset_versions_digest').on(t.modelId, t.digest),
  ],
);

export const codeVersions = pgTable(
  'code_versions',
  {
    id: id(),
    modelId: modelId(),
    number: integer('number').notNull(),
    digest: text('digest').notNull(),
    manifest: jsonb('manifest').$type<CodeManifest>().notNull(),
    origin: jsonb('origin').$type<CodeOrigin>().notNull(),
    schemaVersion: schemaVersion(),
    runId: uuid('run_id').notNull(),
    recordedAt: recordedAt(),
    recordedBy: recordedBy(),
  },
  (t) => [
    uniqueIndex('code_versions_number').on(t.modelId, t.number),
    uniqueIndex('code_versions_digest').on(t.modelId, t.digest),
  ],
);

export const modelVersions = pgTable(
  'model_versions',
  {
    id: id(),
    modelId: modelId(),
    number: integer('number').notNull(),
    format: text('format', { enum: ['onnx'] }).notNull(),
    artifact: text('artifact').notNull(),
    artifactBytes: bigint('artifact_bytes', { mode: 'number' }).notNull(),
    signature: jsonb('signature').$type<Signature>().notNull(),
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
    schemaVersion: schemaVersion(),
    runId: uuid('run_id').notNull(),
    recordedAt: recordedAt(),
    recordedBy: recordedBy(),
  },
  (t) => [
    uniqueIndex('model_versions_number').on(t.modelId, t.number),
    uniqueIndex('model_versions_training_key').on(t.modelId, t.trainingKey),
  ],
);

export const evaluations = pgTable(
  'evaluations',
  {
    id: id(),
    modelId: modelId(),
    environment: text('environment').notNull(),
    modelVersionId: uuid('model_version_id')
      .notNull()
      .references(() => modelVersions.id),
    championVersionId: uuid('champion_version_id').references(() => modelVersions.id),
    digest: text('digest').notNull(),
    body: jsonb('body').$type<EvaluationBody>().notNull(),
    runId: uuid('run_id').notNull(),
    recordedAt: recordedAt(),
    effectiveAt: instant('effective_at').notNull(),
    recordedBy: recordedBy(),
  },
  (t) => [
    index('evaluations_version').on(t.modelVersionId),
    // Of a refit a run has two: that of the version that was measured, and that of the refitted one, which cites it. A
    // deployment measures again when another champion serves.
    unique('evaluations_run_version_champion').on(t.runId, t.modelVersionId, t.championVersionId).nullsNotDistinct(),
  ],
);

export const releases = pgTable(
  'releases',
  {
    id: id(),
    modelId: modelId(),
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
    recordedAt: recordedAt(),
    recordedBy: recordedBy(),
  },
  (t) => [
    uniqueIndex('releases_number').on(t.modelId, t.number),
    uniqueIndex('releases_digest').on(t.modelId, t.digest),
  ],
);

/** Releases that a rollback abandoned in an environment: no automation promotes them there again. */
export const withdrawals = pgTable(
  'withdrawals',
  {
    modelId: modelId(),
    environment: text('environment').notNull(),
    releaseId: uuid('release_id')
      .notNull()
      .references(() => releases.id),
    reason: text('reason').notNull(),
    runId: uuid('run_id').notNull(),
    recordedAt: recordedAt(),
    recordedBy: recordedBy(),
  },
  (t) => [primaryKey({ columns: [t.modelId, t.environment, t.releaseId] })],
);

/** Heads and switches of one {model, environment}; whoever changes the environment locks this row first. */
export const modelEnvironments = pgTable(
  'model_environments',
  {
    modelId: modelId(),
    environment: text('environment').notNull(),
    configurationId: uuid('configuration_id').references(() => configurations.id),
    datasetVersionId: uuid('dataset_version_id').references(() => datasetVersions.id),
    codeVersionId: uuid('code_version_id').references(() => codeVersions.id),
    generation: integer('generation').notNull().default(0),
    holdReason: text('hold_reason'),
    rolloutRunId: uuid('rollout_run_id'),
    lastBuildAt: instant('last_build_at'),
    lastMonitorAt: instant('last_monitor_at'),
    /** Virtual clocks: the last settle command; triggers up to it may build without debounce. */
    settledAt: instant('settled_at'),
    recordedAt: recordedAt(),
    /** Who brought the model there; the ledger names who moved what since. */
    recordedBy: recordedBy(),
  },
  (t) => [primaryKey({ columns: [t.modelId, t.environment] })],
);

export const generations = pgTable(
  'generations',
  {
    modelId: modelId(),
    environment: text('environment').notNull(),
    generation: integer('generation').notNull(),
    slots: jsonb('slots').$type<Slot[]>().notNull(),
    schemaVersion: schemaVersion(),
    change: text('change', {
      enum: ['first', 'shadow', 'canary', 'promote', 'abort', 'rollback', 'archive', 'restore'],
    }).notNull(),
    reason: text('reason').notNull(),
    runId: uuid('run_id').notNull(),
    recordedAt: recordedAt(),
    effectiveAt: instant('effective_at').notNull(),
    recordedBy: recordedBy(),
  },
  (t) => [primaryKey({ columns: [t.modelId, t.environment, t.generation] })],
);

export const gateways = pgTable('gateways', {
  id: id(),
  address: text('address').notNull(),
  startedAt: instant('started_at').notNull(),
  leaseUntil: instant('lease_until').notNull(),
  recordedAt: recordedAt(),
});

/** Workers that have said what isolates what they run; a silent one is forgotten after a day. */
export const workers = pgTable('workers', {
  id: id(),
  host: text('host').notNull(),
  isolation: jsonb('isolation').$type<Isolation>().notNull(),
  schemaVersion: schemaVersion(),
  startedAt: instant('started_at').notNull(),
  seenAt: instant('seen_at').notNull(),
  recordedAt: recordedAt(),
});

/** Every load a gateway reported, so that what was observed at an instant can be told later. */
export const acknowledgements = pgTable(
  'acknowledgements',
  {
    gatewayId: uuid('gateway_id')
      .notNull()
      .references(() => gateways.id),
    modelId: modelId(),
    environment: text('environment').notNull(),
    generation: integer('generation').notNull(),
    error: text('error'),
    /** How the generation differs from its entry in the ledger, for as long as it does; the gateway does not serve it. */
    mismatch: text('mismatch'),
    recordedAt: recordedAt(),
  },
  (t) => [
    primaryKey({ columns: [t.gatewayId, t.modelId, t.environment, t.generation] }),
    index('acknowledgements_mismatch')
      .on(t.modelId)
      .where(sql`mismatch is not null`),
  ],
);

export const servingCounts = pgTable(
  'serving_counts',
  {
    gatewayId: uuid('gateway_id')
      .notNull()
      .references(() => gateways.id),
    modelId: modelId(),
    environment: text('environment').notNull(),
    generation: integer('generation').notNull(),
    releaseDigest: text('release_digest').notNull(),
    requests: bigint('requests', { mode: 'number' }).notNull(),
    errors: bigint('errors', { mode: 'number' }).notNull(),
    /** Errors on requests that the step's other release could answer. */
    ownErrors: bigint('own_errors', { mode: 'number' }).notNull().default(0),
    latency: jsonb('latency').$type<number[]>().notNull().default([]),
    /** The latest reported epochs, so that a repeated report adds nothing. */
    epochs: jsonb('epochs').$type<CountedEpoch[]>().notNull().default([]),
    schemaVersion: schemaVersion(),
    /** When it was last told. */
    recordedAt: recordedAt(),
  },
  (t) => [primaryKey({ columns: [t.gatewayId, t.modelId, t.environment, t.generation, t.releaseDigest] })],
);

export const shadowCounts = pgTable(
  'shadow_counts',
  {
    gatewayId: uuid('gateway_id')
      .notNull()
      .references(() => gateways.id),
    modelId: modelId(),
    environment: text('environment').notNull(),
    generation: integer('generation').notNull(),
    releaseDigest: text('release_digest').notNull(),
    compared: bigint('compared', { mode: 'number' }).notNull(),
    failed: bigint('failed', { mode: 'number' }).notNull(),
    dropped: bigint('dropped', { mode: 'number' }).notNull(),
    absoluteDifference: doublePrecision('absolute_difference').notNull(),
    beyond: bigint('beyond', { mode: 'number' }).notNull(),
    epochs: jsonb('epochs').$type<CountedEpoch[]>().notNull().default([]),
    schemaVersion: schemaVersion(),
    /** When it was last told. */
    recordedAt: recordedAt(),
  },
  (t) => [primaryKey({ columns: [t.gatewayId, t.modelId, t.environment, t.generation, t.releaseDigest] })],
);

export const approvals = pgTable(
  'approvals',
  {
    id: id(),
    modelId: modelId(),
    environment: text('environment').notNull(),
    runId: uuid('run_id').notNull(),
    /** The run's earlier request that this one replaces because the champion has changed. */
    replaces: uuid('replaces'),
    digest: text('digest').notNull(),
    subject: jsonb('subject').$type<ApprovalSubject>().notNull(),
    evidence: jsonb('evidence').$type<Approval['evidence']>().notNull(),
    warnings: jsonb('warnings').$type<ApprovalWarning[]>().notNull().default([]),
    /** What lists of requests leave out, because it is long; null where a request is older than it. */
    details: jsonb('details').$type<EvidenceDetails>(),
    status: text('status', { enum: ['pending', 'approved', 'rejected', 'expired', 'superseded'] }).notNull(),
    requestedBy: uuid('requested_by')
      .notNull()
      .references(() => principals.id),
    expiresAt: instant('expires_at').notNull(),
    decidedAt: instant('decided_at'),
    recordedAt: recordedAt(),
    effectiveAt: instant('effective_at').notNull(),
  },
  (t) => [
    unique('approvals_run_replaces').on(t.runId, t.replaces).nullsNotDistinct(),
    index('approvals_pending').on(t.modelId, t.environment, t.status),
  ],
);

export const votes = pgTable(
  'votes',
  {
    id: id(),
    approvalId: uuid('approval_id')
      .notNull()
      .references(() => approvals.id),
    principalId: uuid('principal_id')
      .notNull()
      .references(() => principals.id),
    decision: text('decision', { enum: ['approve', 'reject'] }).notNull(),
    digest: text('digest').notNull(),
    comment: text('comment').notNull(),
    recordedAt: recordedAt(),
    effectiveAt: instant('effective_at').notNull(),
  },
  (t) => [uniqueIndex('votes_once').on(t.approvalId, t.principalId)],
);

export const commands = pgTable(
  'commands',
  {
    id: id(),
    modelId: modelId(),
    environment: text('environment').notNull(),
    body: jsonb('body').$type<CommandBody>().notNull(),
    bodyDigest: text('body_digest').notNull(),
    idempotencyKey: text('idempotency_key'),
    route: text('route'),
    runId: uuid('run_id'),
    status: text('status', { enum: ['pending', 'accepted', 'refused'] }).notNull(),
    refusal: text('refusal'),
    recordedAt: recordedAt(),
    recordedBy: recordedBy(),
  },
  (t) => [
    uniqueIndex('commands_idempotency')
      .on(t.recordedBy, t.route, t.idempotencyKey)
      .where(sql`idempotency_key is not null`),
    /** Who wanted this run cancelled? */
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
    id: id(),
    modelId: modelId(),
    environment: text('environment').notNull(),
    kind: text('kind', { enum: ['manual', 'schedule', 'new-data', 'new-code', 'drift', 'performance'] }).notNull(),
    reason: text('reason').notNull(),
    fingerprint: text('fingerprint').notNull(),
    status: text('status', { enum: ['pending', 'consumed', 'dropped'] }).notNull(),
    runId: uuid('run_id'),
    droppedBecause: text('dropped_because'),
    recordedAt: recordedAt(),
    effectiveAt: instant('effective_at').notNull(),
    recordedBy: recordedBy(),
  },
  (t) => [
    uniqueIndex('triggers_once').on(t.modelId, t.environment, t.kind, t.fingerprint),
    index('triggers_pending')
      .on(t.modelId, t.environment)
      .where(sql`status = 'pending'`),
  ],
);

export const runs = pgTable(
  'runs',
  {
    id: id(),
    modelId: modelId(),
    environment: text('environment').notNull(),
    kind: text('kind', { enum: ['data', 'code', 'build', 'deploy', 'rollback', 'monitor', 'rehearsal'] }).notNull(),
    request: jsonb('request').$type<RunRequest>().notNull(),
    /** Set for a build once its first step has read its inputs. */
    inputs: jsonb('inputs').$type<RunInputs>(),
    because: text('because').notNull(),
    workflowId: text('workflow_id').notNull().unique(),
    state: text('state', {
      enum: ['queued', 'running', 'awaiting-approval', 'succeeded', 'failed', 'cancelled'],
    }).notNull(),
    approvalId: uuid('approval_id'),
    outcome: jsonb('outcome').$type<RunOutcome>(),
    failure: jsonb('failure').$type<RunFailure>(),
    schemaVersion: schemaVersion(),
    cancelReason: text('cancel_reason'),
    /** A rollback or a person wants it gone; the lifecycle repeats the order until it is. */
    cancelRequested: text('cancel_requested'),
    /** The lifecycle has ordered its start. */
    orderedAt: instant('ordered_at'),
    /** Temporal's id of the execution that carries it out: the first under its workflow id that asked for a step. */
    executionId: text('execution_id'),
    /** How often the run was restarted because Temporal lost its execution. */
    begunAgain: integer('begun_again').notNull().default(0),
    progressFraction: doublePrecision('progress_fraction'),
    progressMessage: text('progress_message'),
    startedAt: instant('started_at'),
    endedAt: instant('ended_at'),
    recordedAt: recordedAt(),
    effectiveAt: instant('effective_at').notNull(),
    recordedBy: recordedBy(),
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
      .where(sql`state in ('queued', 'running', 'awaiting-approval')`),
    check(
      'runs_state',
      sql`(state = 'failed') = (failure is not null) and (state = 'succeeded') = (outcome is not null) and (state = 'cancelled') = (cancel_reason is not null) and (state in ('succeeded', 'failed', 'cancelled')) = (ended_at is not null)`,
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
    startedAt: instant('started_at').notNull(),
    endedAt: instant('ended_at'),
    /** What kept it apart on the worker that ran it; null in steps of older versions. */
    isolation: jsonb('isolation').$type<Isolation>(),
    schemaVersion: schemaVersion(),
    recordedAt: recordedAt(),
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
    recordedAt: recordedAt(),
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
    recordedAt: recordedAt(),
  },
  (t) => [primaryKey({ columns: [t.runId, t.sequence] })],
);

/** Who may commit what: the newest attempt holds it. */
export const leases = pgTable(
  'leases',
  {
    name: text('name').primaryKey(),
    holder: text('holder').notNull(),
    leaseUntil: instant('lease_until').notNull(),
    recordedAt: recordedAt(),
    recordedBy: recordedBy(),
  },
  (t) => [index('leases_holder').on(t.holder)],
);

export const predictionSegments = pgTable(
  'prediction_segments',
  {
    id: id(),
    gatewayId: uuid('gateway_id').notNull(),
    modelId: modelId(),
    environment: text('environment').notNull(),
    sha256: text('sha256').notNull(),
    rows: bigint('rows', { mode: 'number' }).notNull(),
    dropped: bigint('dropped', { mode: 'number' }).notNull(),
    fromAt: instant('from_at').notNull(),
    toAt: instant('to_at').notNull(),
    /** Whether its rows are among `predictions`; those of segments from before that table was introduced are not. */
    indexed: boolean('indexed').notNull().default(false),
    recordedAt: recordedAt(),
  },
  (t) => [index('prediction_segments_window').on(t.modelId, t.environment, t.fromAt, t.toAt)],
);

export const labels = pgTable(
  'labels',
  {
    modelId: modelId(),
    environment: text('environment').notNull(),
    predictionId: text('prediction_id').notNull(),
    /** A number, or else the class, which is text or a truth value. */
    value: doublePrecision('value'),
    class: jsonb('class').$type<ClassValue>(),
    recordedAt: recordedAt(),
    effectiveAt: instant('effective_at').notNull(),
    recordedBy: recordedBy(),
  },
  (t) => [
    primaryKey({ columns: [t.modelId, t.environment, t.predictionId] }),
    /** Labels expire with their predictions. */
    index('labels_given').on(t.modelId, t.environment, t.effectiveAt),
    check('labels_number_or_class', sql`num_nonnulls(${t.value}, ${t.class}) = 1`),
  ],
);

/**
 * Which predictions there are, so that labels find theirs; the rows themselves are in the segments. Without a reference to the
 * model, whose check would double the time that a segment takes.
 */
export const predictions = pgTable(
  'predictions',
  {
    modelId: uuid('model_id').notNull(),
    environment: text('environment').notNull(),
    predictionId: text('prediction_id').notNull(),
    /** The id that the caller gave the request, and the row's place in it. */
    request: text('request'),
    requestRow: integer('request_row'),
    modelVersion: integer('model_version').notNull(),
    happenedAt: instant('happened_at').notNull(),
    gatewayId: uuid('gateway_id').notNull(),
    recordedAt: instant('recorded_at').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.modelId, t.environment, t.predictionId] }),
    index('predictions_request')
      .on(t.modelId, t.environment, t.request)
      .where(sql`request is not null`),
    /** They expire with their segments. */
    index('predictions_happened').on(t.modelId, t.environment, t.happenedAt),
  ],
);

/** Labels whose predictions have not arrived. A label names its prediction by id, or by request and perhaps row. */
export const waitingLabels = pgTable(
  'waiting_labels',
  {
    modelId: modelId(),
    environment: text('environment').notNull(),
    predictionId: text('prediction_id'),
    request: text('request'),
    requestRow: integer('request_row'),
    value: doublePrecision('value'),
    class: jsonb('class').$type<ClassValue>(),
    recordedAt: recordedAt(),
    effectiveAt: instant('effective_at').notNull(),
    recordedBy: recordedBy(),
  },
  (t) => [
    unique('waiting_labels_once')
      .on(t.modelId, t.environment, t.predictionId, t.request, t.requestRow)
      .nullsNotDistinct(),
    index('waiting_labels_age').on(t.modelId, t.environment, t.recordedAt),
    check('waiting_labels_id_or_request', sql`num_nonnulls(${t.predictionId}, ${t.request}) = 1`),
    check('waiting_labels_number_or_class', sql`num_nonnulls(${t.value}, ${t.class}) = 1`),
  ],
);

/** What labels were before they were corrected. The entry of the ledger with that sequence carries their digest. */
export const labelCorrections = pgTable(
  'label_corrections',
  {
    modelId: modelId(),
    sequence: integer('sequence').notNull(),
    environment: text('environment').notNull(),
    predictionId: text('prediction_id').notNull(),
    replaced: jsonb('replaced').$type<ClassValue>().notNull(),
    replacement: jsonb('replacement').$type<ClassValue>().notNull(),
    recordedAt: recordedAt(),
    effectiveAt: instant('effective_at').notNull(),
    recordedBy: recordedBy(),
  },
  (t) => [
    primaryKey({ columns: [t.modelId, t.sequence, t.predictionId] }),
    index('label_corrections_made').on(t.modelId, t.environment, t.effectiveAt),
  ],
);

export const reports = pgTable(
  'reports',
  {
    id: id(),
    modelId: modelId(),
    environment: text('environment').notNull(),
    digest: text('digest').notNull(),
    body: jsonb('body').$type<ReportBody>().notNull(),
    runId: uuid('run_id').notNull().unique(),
    recordedAt: recordedAt(),
    effectiveAt: instant('effective_at').notNull(),
    recordedBy: recordedBy(),
  },
  (t) => [index('reports_scope').on(t.modelId, t.environment, t.id)],
);

export const findings = pgTable(
  'findings',
  {
    id: id(),
    modelId: modelId(),
    environment: text('environment').notNull(),
    kind: text('kind', { enum: ['drift', 'performance', 'missing', 'range', 'new-category', 'failed'] }).notNull(),
    subject: text('subject').notNull(),
    championReleaseId: uuid('champion_release_id')
      .notNull()
      .references(() => releases.id),
    value: doublePrecision('value').notNull(),
    threshold: doublePrecision('threshold').notNull(),
    openedBy: uuid('opened_by').notNull(),
    openedAt: instant('opened_at').notNull(),
    /** The end of the first window that was clear of it, while a second one is awaited. */
    clearSince: instant('clear_since'),
    closedBy: uuid('closed_by'),
    closedAt: instant('closed_at'),
    recordedAt: recordedAt(),
    recordedBy: recordedBy(),
  },
  (t) => [
    uniqueIndex('findings_open_once')
      .on(t.modelId, t.environment, t.kind, t.subject, t.championReleaseId)
      .where(sql`closed_at is null`),
  ],
);

export const schedules = pgTable(
  'schedules',
  {
    modelId: modelId(),
    environment: text('environment').notNull(),
    name: text('name').notNull(),
    cron: text('cron').notNull(),
    timezone: text('timezone').notNull(),
    paused: boolean('paused').notNull(),
    overlap: text('overlap', { enum: ['skip', 'buffer-one', 'allow-all'] }).notNull(),
    /** The due time of the latest firing that gave a trigger. */
    lastFiredAt: instant('last_fired_at'),
    recordedAt: recordedAt(),
    recordedBy: recordedBy(),
  },
  (t) => [primaryKey({ columns: [t.modelId, t.environment, t.name] })],
);

export const rehearsals = pgTable('rehearsals', {
  id: id(),
  modelId: modelId(),
  environment: text('environment').notNull().unique(),
  runId: uuid('run_id').notNull().unique(),
  plan: jsonb('plan').$type<RehearsalPlan>().notNull(),
  metric: text('metric').notNull(),
  principalId: uuid('principal_id')
    .notNull()
    .references(() => principals.id),
  /** The file that its periods are ingested from; null until its run has written it. */
  rows: text('rows'),
  summary: jsonb('summary').$type<RehearsalSummary>(),
  schemaVersion: schemaVersion(),
  recordedAt: recordedAt(),
  recordedBy: recordedBy(),
});

export const rehearsalPeriods = pgTable(
  'rehearsal_periods',
  {
    rehearsalId: uuid('rehearsal_id')
      .notNull()
      .references(() => rehearsals.id),
    index: integer('index').notNull(),
    body: jsonb('body').$type<RehearsalPeriod>().notNull(),
    schemaVersion: schemaVersion(),
    recordedAt: recordedAt(),
    recordedBy: recordedBy(),
  },
  (t) => [primaryKey({ columns: [t.rehearsalId, t.index] })],
);

/** Named connections; `sealed` holds the settings with their secrets, encrypted, and is null once removed. */
export const connections = pgTable(
  'connections',
  {
    project: text('project')
      .notNull()
      .references(() => projects.name),
    name: text('name').notNull(),
    kind: text('kind', { enum: ['webhook', 's3', 'postgres', 'git'] }).notNull(),
    target: text('target').notNull(),
    sealed: text('sealed'),
    recordedAt: recordedAt(),
    recordedBy: recordedBy(),
  },
  (t) => [primaryKey({ columns: [t.project, t.name] })],
);

/** Append-only, one sequence per model; a trigger in the migrations refuses updates and deletes. */
export const ledger = pgTable(
  'ledger',
  {
    modelId: modelId(),
    sequence: bigint('sequence', { mode: 'number' }).notNull(),
    kind: text('kind').notNull(),
    environment: text('environment'),
    subject: jsonb('subject').$type<Record<string, unknown>>().notNull(),
    reason: text('reason').notNull(),
    digest: text('digest').notNull(),
    previous: text('previous'),
    recordedAt: instant('recorded_at').notNull(),
    effectiveAt: instant('effective_at').notNull(),
    recordedBy: recordedBy(),
  },
  (t) => [
    primaryKey({ columns: [t.modelId, t.sequence] }),
    index('ledger_newest').on(t.recordedAt, t.modelId, t.sequence),
    /** Has this run decided that already? Asked by every commit that may run twice. */
    index('ledger_run').on(t.modelId, t.kind, sql`(subject ->> 'runId')`),
    /** The newest of a kind in an environment: what was decided to serve there. */
    index('ledger_scope').on(t.modelId, t.environment, t.kind, t.sequence),
  ],
);

/** Which heads were signed and copied to the object store, so that a copy that is gone is missed. Thinned with the copies. */
export const ledgerHeads = pgTable(
  'ledger_heads',
  {
    modelId: modelId(),
    sequence: bigint('sequence', { mode: 'number' }).notNull(),
    signedAt: instant('signed_at').notNull(),
    recordedAt: recordedAt(),
    recordedBy: recordedBy(),
  },
  (t) => [primaryKey({ columns: [t.modelId, t.sequence] })],
);

/** Collections of garbage: of the whole store, so of no model. One at a time; one that was cut off is taken up again. */
export const garbageCollections = pgTable(
  'garbage_collections',
  {
    id: id(),
    dryRun: boolean('dry_run').notNull(),
    state: text('state', { enum: ['running', 'succeeded', 'failed'] }).notNull(),
    graceMs: bigint('grace_ms', { mode: 'number' }).notNull(),
    /** What was put at or after it stays; null until what is reachable has been marked. */
    putBefore: instant('put_before'),
    /** The last blob that was looked at. */
    cursor: text('cursor'),
    scanned: bigint('scanned', { mode: 'number' }).notNull().default(0),
    collected: bigint('collected', { mode: 'number' }).notNull().default(0),
    collectedBytes: bigint('collected_bytes', { mode: 'number' }).notNull().default(0),
    failure: text('failure'),
    endedAt: instant('ended_at'),
    recordedAt: recordedAt(),
    recordedBy: recordedBy(),
  },
  (t) => [
    uniqueIndex('garbage_collections_one')
      .on(t.state)
      .where(sql`state = 'running'`),
  ],
);

/** Which collection a key was answered with: the one that it began, or the one that was under way. */
export const collectionKeys = pgTable(
  'collection_keys',
  {
    recordedBy: recordedBy(),
    route: text('route').notNull(),
    idempotencyKey: text('idempotency_key').notNull(),
    requestDigest: text('request_digest').notNull(),
    collectionId: uuid('collection_id')
      .notNull()
      .references(() => garbageCollections.id),
    recordedAt: recordedAt(),
  },
  (t) => [primaryKey({ columns: [t.recordedBy, t.route, t.idempotencyKey] })],
);

/** What a collection under way may not touch; emptied when it ends. */
export const reachableBlobs = pgTable(
  'reachable_blobs',
  {
    collectionId: uuid('collection_id')
      .notNull()
      .references(() => garbageCollections.id),
    sha256: text('sha256').notNull(),
    recordedAt: recordedAt(),
  },
  (t) => [primaryKey({ columns: [t.collectionId, t.sha256] })],
);

/** What a collection removed, or would have. */
export const collectedBlobs = pgTable(
  'collected_blobs',
  {
    collectionId: uuid('collection_id')
      .notNull()
      .references(() => garbageCollections.id),
    sha256: text('sha256').notNull(),
    bytes: bigint('bytes', { mode: 'number' }).notNull(),
    recordedAt: recordedAt(),
  },
  (t) => [primaryKey({ columns: [t.collectionId, t.sha256] })],
);
