import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planLifecycle } from '../../activities/lifecycle/plan-lifecycle.ts';
import type { LifecyclePlan, LifecycleSnapshot } from '../../contracts/runs/lifecycle-plan.ts';
import type { RunStateName } from '../../contracts/runs/run.ts';
import { RunKind } from '../../contracts/runs/run.ts';
import { TriggerKind } from '../../contracts/runs/trigger.ts';

const instants = fc
  .integer({ min: Date.parse('2012-02-01T00:00:00Z'), max: Date.parse('2012-04-01T00:00:00Z') })
  .map((time) => new Date(time).toISOString());
const runs = fc
  .array(
    fc.record({
      kind: fc.constantFrom(...RunKind.options),
      state: fc.constantFrom<RunStateName>('queued', 'running', 'awaiting-approval', 'succeeded'),
      automated: fc.boolean(),
    }),
    { maxLength: 8 },
  )
  .map((some) => some.map((run, i) => ({ ...run, id: `run ${i}` })));
const snapshots: fc.Arbitrary<LifecycleSnapshot> = fc.record({
  now: instants,
  clock: fc.constantFrom('wall' as const, 'virtual' as const),
  settled: fc.boolean(),
  policy: fc.option(
    fc.record({
      on: fc.subarray(TriggerKind.exclude(['manual', 'schedule']).options),
      debounce: fc.constantFrom('1s', '10m', '1 day'),
      cooldown: fc.constantFrom('1m', '24h', '1 month'),
      budget: fc.constantFrom('1 per day', '30 per month'),
    }),
  ),
  monitorEvery: fc.option(fc.constantFrom('1h', '1 day')),
  timezone: fc.constantFrom('UTC', 'America/New_York'),
  held: fc.boolean(),
  archived: fc.constant(false),
  serving: fc.boolean(),
  lastBuildAt: fc.option(instants),
  lastMonitorAt: fc.option(instants),
  buildsInPeriod: fc.nat(40),
  budgetRenewsAt: instants,
  triggers: fc
    .array(fc.record({ kind: fc.constantFrom(...TriggerKind.options), effectiveAt: instants }), { maxLength: 6 })
    .map((some) => some.map((trigger, i) => ({ ...trigger, id: `trigger ${i}` }))),
  runs,
  candidates: fc
    .nat(3)
    .map((count) =>
      Array.from({ length: count }, (_, i) => ({ evaluationId: `evaluation ${i}`, buildRunId: `build ${i}` })),
    ),
});

const oneAtATime: readonly RunKind[] = ['data', 'code', 'build', 'monitor', 'rollback'];
const isActive = ({ state }: { readonly state: RunStateName }) => state !== 'succeeded';

function holds(property: (snapshot: LifecycleSnapshot, plan: LifecyclePlan) => void): void {
  fc.assert(
    fc.property(snapshots, (snapshot) => property(snapshot, planLifecycle(snapshot))),
    { numRuns: 2_000 },
  );
}

describe('for every snapshot', () => {
  it('two runs of a kind that allows only one never run together', () => {
    holds((snapshot, plan) => {
      for (const kind of oneAtATime) {
        const running = snapshot.runs.filter((run) => run.kind === kind && isActive(run) && run.state !== 'queued');
        const starting = plan.start.filter((id) => snapshot.runs.find((run) => run.id === id)?.kind === kind);
        expect(starting.length).toBeLessThanOrEqual(running.length === 0 ? 1 : 0);
      }
    });
  });
  it('only queued runs start, and none that is being cancelled', () => {
    holds((snapshot, plan) => {
      const cancelled = plan.cancel.map((order) => order.runId);
      for (const id of plan.start) {
        expect(snapshot.runs.find((run) => run.id === id)?.state).toBe('queued');
        expect(cancelled).not.toContain(id);
      }
    });
  });
  it('nothing is built during another build or a rollback', () => {
    holds((snapshot, plan) => {
      const inTheWay = snapshot.runs.some((run) => isActive(run) && ['build', 'rollback'].includes(run.kind));
      if (inTheWay) expect(plan.build).toBeNull();
    });
  });
  it("debounce and cooldown never delay a person's trigger", () => {
    holds((snapshot, plan) => {
      const { triggers, runs: all, policy: given, buildsInPeriod } = snapshot;
      const free = !all.some((run) => isActive(run) && ['build', 'rollback'].includes(run.kind));
      if (given === null || !free || buildsInPeriod >= Number.parseInt(given.budget)) return;
      if (triggers.some(({ kind }) => kind === 'manual')) expect(plan.build).not.toBeNull();
    });
  });
  it('each trigger leads to a build, is dropped or is kept, and every wait ends in the future', () => {
    holds((snapshot, plan) => {
      const built = plan.build?.triggerIds ?? [];
      const dropped = plan.dropTriggers.map(({ id }) => id);
      const touched = [...built, ...dropped];
      expect(new Set(touched).size).toBe(touched.length);
      if (plan.wakeAt !== null) expect(plan.wakeAt > snapshot.now).toBe(true);
    });
  });
  it('carrying out the plan leaves nothing to build, deploy or skip', () => {
    holds((snapshot, plan) => {
      const touched = new Set([...(plan.build?.triggerIds ?? []), ...plan.dropTriggers.map(({ id }) => id)]);
      const decided = new Set([...plan.deploy, ...plan.passOver].map(({ evaluationId }) => evaluationId));
      const made = (kind: RunKind, count: number) =>
        Array.from({ length: count }, (_, i) => ({
          id: `made ${kind} ${i}`,
          kind,
          state: 'queued' as const,
          automated: true,
        }));
      const next = planLifecycle({
        ...snapshot,
        triggers: snapshot.triggers.filter(({ id }) => !touched.has(id)),
        candidates: snapshot.candidates.filter(({ evaluationId }) => !decided.has(evaluationId)),
        lastMonitorAt: plan.monitor ? snapshot.now : snapshot.lastMonitorAt,
        runs: [
          ...snapshot.runs,
          ...made('build', plan.build === null ? 0 : 1),
          ...made('deploy', plan.deploy.length),
          ...made('monitor', plan.monitor ? 1 : 0),
        ],
      });
      expect(next).toMatchObject({ build: null, deploy: [], passOver: [], dropTriggers: [], monitor: false });
    });
  });
});
