import { buildWaits, wantedTriggers } from '../../contracts/models/build-waits.ts';
import { pipelines } from '../../contracts/pipelines/pipelines.ts';
import { shiftInstant } from '../../contracts/time/shift-instant.ts';
import type { Id, Instant } from '../../contracts/identifiers.ts';
import type { LifecyclePlan, LifecycleSnapshot } from '../../contracts/runs/lifecycle-plan.ts';
import type { RunKind } from '../../contracts/runs/run.ts';
import { isFinal } from '../../contracts/runs/run.ts';

/**
 * Decides what an environment does next. Pure: the same snapshot always gives the same plan, and after a plan has been
 * carried out there is nothing left to do for the resulting snapshot.
 */
export function planLifecycle(snapshot: LifecycleSnapshot): LifecyclePlan {
  if (snapshot.archived) return endOf(snapshot);
  const cancel = preempted(snapshot);
  const { deploy, passOver, supersede } = planCandidates(snapshot);
  const { build, dropTriggers, wakeAt } = planBuild(snapshot);
  const monitor = planMonitor(snapshot);
  return {
    start: runsToStart(snapshot, new Set(cancel.map((order) => order.runId))),
    build,
    dropTriggers,
    deploy,
    passOver,
    supersede,
    cancel,
    monitor: monitor.due,
    wakeAt: earliest([wakeAt, monitor.wakeAt]),
  };
}

/** Plans the end of an archived model: its runs are cancelled, its triggers are dropped, and nothing is started. */
function endOf({ runs, triggers }: LifecycleSnapshot): LifecyclePlan {
  const because = 'the model was archived';
  return {
    start: [],
    build: null,
    dropTriggers: triggers.map(({ id }) => ({ id, because })),
    deploy: [],
    passOver: [],
    supersede: [],
    cancel: runs.map((run) => ({ runId: run.id, because })),
    monitor: false,
    wakeAt: null,
  };
}

type ActiveRun = LifecycleSnapshot['runs'][number];

function active(snapshot: LifecycleSnapshot, kind: RunKind): ActiveRun[] {
  return snapshot.runs.filter((run) => run.kind === kind && !isFinal(run.state));
}

function isRollingBack(snapshot: LifecycleSnapshot): boolean {
  return active(snapshot, 'rollback').length > 0;
}

/**
 * Returns the runs that a rollback cancels: every rollout and every automated build that was requested before it. Later
 * requests wait.
 */
function preempted(snapshot: LifecycleSnapshot): LifecyclePlan['cancel'] {
  const rollback = active(snapshot, 'rollback').at(-1);
  if (rollback === undefined) return [];
  return snapshot.runs
    .slice(0, snapshot.runs.indexOf(rollback))
    .filter((run) => !isFinal(run.state) && (run.kind === 'deploy' || (run.kind === 'build' && run.automated)))
    .map((run) => ({ runId: run.id, because: 'preempted by a rollback' }));
}

function runsToStart(snapshot: LifecycleSnapshot, cancelled: ReadonlySet<Id>): Id[] {
  const busy = new Set(
    snapshot.runs.filter((run) => run.state !== 'queued' && !isFinal(run.state)).map((run) => run.kind),
  );
  const waits = (kind: RunKind): boolean => kind === 'deploy' && isRollingBack(snapshot);
  const starting: Id[] = [];
  for (const run of snapshot.runs) {
    if (run.state !== 'queued' || cancelled.has(run.id)) continue;
    if (waits(run.kind) || (pipelines[run.kind].oneAtATime && busy.has(run.kind))) continue;
    busy.add(run.kind);
    starting.push(run.id);
  }
  return starting;
}

function planCandidates(snapshot: LifecycleSnapshot): Pick<LifecyclePlan, 'deploy' | 'passOver' | 'supersede'> {
  const newest = snapshot.candidates.at(-1);
  // Whether promotion is on hold is known only after the rollback has ended.
  if (newest === undefined || isRollingBack(snapshot)) return { deploy: [], passOver: [], supersede: [] };
  if (snapshot.held) {
    return {
      deploy: [],
      supersede: [],
      passOver: snapshot.candidates.map(({ evaluationId }) => ({
        evaluationId,
        because: 'automatic promotion is on hold',
      })),
    };
  }
  const older = snapshot.candidates.slice(0, -1);
  return {
    deploy: [{ evaluationId: newest.evaluationId }],
    passOver: older.map(({ evaluationId }) => ({ evaluationId, because: 'a newer candidate took its place' })),
    supersede: active(snapshot, 'deploy')
      .filter((run) => run.state === 'awaiting-approval' && run.automated)
      .map((run) => run.id),
  };
}

function planBuild(snapshot: LifecycleSnapshot): Pick<LifecyclePlan, 'build' | 'dropTriggers' | 'wakeAt'> {
  const { policy, triggers } = snapshot;
  if (policy === null) return { build: null, dropTriggers: [], wakeAt: null };
  const wanted = wantedTriggers(snapshot);
  const dropTriggers = triggers
    .filter((trigger) => !wanted.includes(trigger))
    .map(({ id, kind }) => ({ id, because: `retrain.on does not list ${kind}` }));
  const waits = buildWaits(snapshot);
  // A run that ends wakes the lifecycle by itself; only the other waits need a timer.
  const wakeAt = waits.some(({ until }) => until === null) ? null : latest(waits.map(({ until }) => until));
  if (wanted.length === 0 || waits.length > 0) return { build: null, dropTriggers, wakeAt };
  const kinds = [...new Set(wanted.map(({ kind }) => kind))].sort();
  return { build: { triggerIds: wanted.map(({ id }) => id), because: kinds.join(', ') }, dropTriggers, wakeAt: null };
}

function planMonitor(snapshot: LifecycleSnapshot): { due: boolean; wakeAt: Instant | null } {
  const { monitorEvery, serving, lastMonitorAt, now, timezone } = snapshot;
  if (monitorEvery === null || !serving || active(snapshot, 'monitor').length > 0) return { due: false, wakeAt: null };
  const dueAt = lastMonitorAt === null ? now : shiftInstant(lastMonitorAt, monitorEvery, 1, timezone);
  return dueAt <= now
    ? { due: true, wakeAt: shiftInstant(now, monitorEvery, 1, timezone) }
    : { due: false, wakeAt: dueAt };
}

function earliest(instants: readonly (Instant | null)[]): Instant | null {
  return instants.reduce<Instant | null>(
    (first, at) => (at !== null && (first === null || at < first) ? at : first),
    null,
  );
}

function latest(instants: readonly (Instant | null)[]): Instant | null {
  return instants.reduce<Instant | null>((last, at) => (at !== null && (last === null || at > last) ? at : last), null);
}
