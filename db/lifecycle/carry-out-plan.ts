import { and, eq, inArray, isNull } from '../connection/orm.ts';
import type { Id, Scope } from '../../contracts/identifiers.ts';
import type { LifecyclePlan, LifecycleSnapshot } from '../../contracts/runs/lifecycle-plan.ts';
import type { RunRequest } from '../../contracts/runs/run.ts';
import { appendLedger, appendLedgerEntries } from '../ledger/append-ledger.ts';
import type { Transaction } from '../connection/connect.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import { supersedeApprovals } from '../approvals/decide-approval.ts';
import { insertRun } from '../runs/insert-run.ts';
import { toDate } from '../connection/instants.ts';
import { modelEnvironments } from '../environments/environment-tables.ts';
import { runs } from '../runs/run-tables.ts';
import { triggers } from './lifecycle-tables.ts';
import { inScope } from '../connection/in-scope.ts';

/** Context of a plan. The scope is locked, and `by` is the principal that automation acts as. */
export interface Execution {
  readonly context: RepositoryContext;
  readonly tx: Transaction;
  readonly scope: Scope;
  readonly snapshot: LifecycleSnapshot;
  readonly by: Id;
}

/**
 * Writes what the plan decided. Returns whether it created runs or marked runs for cancellation, so that another plan
 * is needed.
 */
export async function carryOutPlan(execution: Execution, plan: LifecyclePlan): Promise<boolean> {
  await dropTriggers(execution, plan);
  await passOver(execution, plan);
  const marked = await markCancelled(execution, plan);
  await supersede(execution, plan);
  if (plan.build !== null) await makeBuild(execution, plan.build);
  for (const { evaluationId } of plan.deploy) await makeDeploy(execution, evaluationId);
  if (plan.monitor) await makeMonitor(execution);
  return marked || plan.build !== null || plan.deploy.length > 0 || plan.monitor;
}

async function supersede({ context, tx, scope, snapshot, by }: Execution, plan: LifecyclePlan): Promise<void> {
  if (plan.supersede.length === 0) return;
  const reason = 'a newer candidate took its place';
  await supersedeApprovals(context, tx, scope, { ofRuns: plan.supersede }, { reason, at: snapshot.now, by });
}

function entryOf({ scope, snapshot, by }: Execution) {
  return { modelId: scope.modelId, environment: scope.environment, effectiveAt: snapshot.now, by };
}

async function dropTriggers(execution: Execution, { dropTriggers: dropped }: LifecyclePlan): Promise<void> {
  const { context, tx, scope } = execution;
  const reasons = new Set(dropped.map(({ because }) => because));
  for (const because of reasons) {
    const ids = dropped.filter((one) => one.because === because).map(({ id }) => id);
    await tx.update(triggers).set({ status: 'dropped', droppedBecause: because }).where(inArray(triggers.id, ids));
  }
  const entries = dropped.map(({ id, because }) => ({
    ...entryOf(execution),
    kind: 'trigger.dropped' as const,
    subject: { triggerId: id },
    reason: because,
  }));
  await appendLedgerEntries(context, tx, scope.modelId, entries);
}

/** Records candidates that get no deployment, as deployments that ended before they began. */
async function passOver(execution: Execution, { passOver: passed }: LifecyclePlan): Promise<void> {
  const { context, tx, snapshot } = execution;
  for (const { evaluationId, because } of passed) {
    const runId = snapshot.candidates.find((candidate) => candidate.evaluationId === evaluationId)?.buildRunId;
    await appendLedger(context, tx, {
      ...entryOf(execution),
      kind: 'deployment.ended',
      subject: { runId, evaluationId, decision: 'passed-over' },
      reason: because,
    });
  }
}

/** Marks runs for cancellation. Returns whether any was not marked before. The reason given first is kept. */
async function markCancelled({ tx }: Execution, { cancel }: LifecyclePlan): Promise<boolean> {
  let marked = false;
  for (const { runId, because } of cancel) {
    const rows = await tx
      .update(runs)
      .set({ cancelRequested: because })
      .where(and(eq(runs.id, runId), isNull(runs.cancelRequested)))
      .returning({ id: runs.id });
    marked ||= rows.length > 0;
  }
  return marked;
}

async function makeRun({ context, tx, scope, snapshot, by }: Execution, request: RunRequest, because: string) {
  const id = context.ids.next();
  await insertRun(tx, scope, { id, request, because, effectiveAt: snapshot.now, by });
  return id;
}

async function makeBuild(execution: Execution, build: NonNullable<LifecyclePlan['build']>): Promise<void> {
  const { tx, scope, snapshot } = execution;
  const request: RunRequest = { kind: 'build', schemaVersion: 1, asOf: snapshot.now, automated: true };
  const runId = await makeRun(execution, request, build.because);
  await tx
    .update(triggers)
    .set({ status: 'consumed', runId })
    .where(and(inArray(triggers.id, [...build.triggerIds]), eq(triggers.status, 'pending')));
  await tx
    .update(modelEnvironments)
    .set({ lastBuildAt: toDate(snapshot.now) })
    .where(inScope(modelEnvironments, scope));
}

async function makeDeploy(execution: Execution, evaluationId: Id): Promise<void> {
  const { tx, snapshot } = execution;
  const buildRunId = snapshot.candidates.find((candidate) => candidate.evaluationId === evaluationId)?.buildRunId;
  const [build] =
    buildRunId === undefined
      ? []
      : await tx.select({ because: runs.because }).from(runs).where(eq(runs.id, buildRunId));
  const request: RunRequest = { kind: 'deploy', schemaVersion: 1, evaluationId, automated: true };
  await makeRun(execution, request, build?.because ?? 'a candidate');
}

async function makeMonitor(execution: Execution): Promise<void> {
  const { tx, scope, snapshot } = execution;
  await makeRun(execution, { kind: 'monitor', schemaVersion: 1, asOf: snapshot.now }, 'schedule');
  await tx
    .update(modelEnvironments)
    .set({ lastMonitorAt: toDate(snapshot.now) })
    .where(inScope(modelEnvironments, scope));
}
