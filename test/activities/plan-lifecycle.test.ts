import { describe, expect, it } from 'vitest';
import { planLifecycle } from '../../activities/lifecycle/plan-lifecycle.ts';
import type { LifecyclePlan, LifecycleSnapshot } from '../../contracts/runs/lifecycle-plan.ts';
import type { RunKind, RunStateName } from '../../contracts/runs/run.ts';
import type { TriggerKind } from '../../contracts/runs/trigger.ts';

const now = '2012-03-10T12:00:00.000Z';
const policy: NonNullable<LifecycleSnapshot['policy']> = {
  on: ['drift', 'new-data'],
  debounce: '10m',
  cooldown: '24h',
  budget: '30 per month',
};

function snapshotOf(given: Partial<LifecycleSnapshot>): LifecycleSnapshot {
  return {
    now,
    clock: 'wall',
    settled: false,
    policy,
    monitorEvery: null,
    timezone: 'UTC',
    held: false,
    archived: false,
    serving: false,
    lastBuildAt: null,
    lastMonitorAt: null,
    buildsInPeriod: 0,
    budgetRenewsAt: '2012-04-01T00:00:00.000Z',
    triggers: [],
    runs: [],
    candidates: [],
    ...given,
  };
}

function runOf(id: string, kind: RunKind, state: RunStateName = 'running', automated = false) {
  return { id, kind, state, automated };
}

function triggerAt(effectiveAt: string, kind: TriggerKind = 'drift', id = `${kind} ${effectiveAt}`) {
  return { id, kind, effectiveAt };
}

const long = triggerAt('2012-03-10T00:00:00.000Z');

interface Case {
  readonly claim: string;
  readonly given: Partial<LifecycleSnapshot>;
  readonly plan: Partial<LifecyclePlan>;
}

const builds: Case[] = [
  { claim: 'nothing is done without a request', given: {}, plan: { build: null, wakeAt: null, dropTriggers: [] } },
  {
    claim: 'a debounce without new triggers has passed',
    given: { triggers: [long] },
    plan: { build: { triggerIds: [long.id], because: 'drift' } },
  },
  {
    claim: 'debounce counts from the newest trigger',
    given: { triggers: [long, triggerAt('2012-03-10T11:55:00.000Z')].slice(1) },
    plan: { build: null, wakeAt: '2012-03-10T12:05:00.000Z' },
  },
  {
    claim: 'debounce ends at the latest ten times its length after the oldest trigger',
    given: { triggers: [triggerAt('2012-03-10T10:20:00.000Z'), triggerAt('2012-03-10T11:59:00.000Z')] },
    plan: { build: { because: 'drift', triggerIds: [expect.any(String), expect.any(String)] as string[] } },
  },
  {
    claim: 'debounce still waits just before ten times its length',
    given: { triggers: [triggerAt('2012-03-10T10:20:00.001Z'), triggerAt('2012-03-10T11:59:00.000Z')] },
    plan: { build: null, wakeAt: '2012-03-10T12:00:00.001Z' },
  },
  {
    claim: 'a settled clock skips debounce',
    given: { settled: true, triggers: [triggerAt(now)] },
    plan: { build: { because: 'drift', triggerIds: [`drift ${now}`] } },
  },
  {
    claim: 'cooldown counts from the last automated build',
    given: { triggers: [long], lastBuildAt: '2012-03-09T13:00:00.000Z' },
    plan: { build: null, wakeAt: '2012-03-10T13:00:00.000Z' },
  },
  {
    claim: 'a cooldown of a day is a calendar day, also across a clock change',
    given: {
      now: '2012-03-11T12:00:00.000Z',
      timezone: 'America/New_York',
      policy: { ...policy, cooldown: '1 day' },
      triggers: [long],
      lastBuildAt: '2012-03-10T13:00:00.000Z',
    },
    plan: { build: { triggerIds: [long.id], because: 'drift' } },
  },
  {
    claim: 'a spent budget delays builds until the next period, even for a person',
    given: { triggers: [triggerAt(now, 'manual')], buildsInPeriod: 30 },
    plan: { build: null, wakeAt: '2012-04-01T00:00:00.000Z' },
  },
  {
    claim: 'a build for a person’s trigger also consumes the waiting triggers',
    given: { triggers: [triggerAt(now), triggerAt(now, 'manual')], lastBuildAt: now },
    plan: { build: { triggerIds: [`drift ${now}`, `manual ${now}`], because: 'drift, manual' } },
  },
  {
    claim: 'a kind that is not listed is dropped, except schedule and manual',
    given: { triggers: [triggerAt(now, 'performance'), triggerAt('2012-03-10T00:00:00.000Z', 'schedule', 's')] },
    plan: {
      build: { triggerIds: ['s'], because: 'schedule' },
      dropTriggers: [{ id: `performance ${now}`, because: 'retrain.on does not list performance' }],
    },
  },
  {
    claim: 'triggers wait without a configuration',
    given: { policy: null, triggers: [long] },
    plan: { build: null, dropTriggers: [], wakeAt: null },
  },
  {
    claim: 'no build begins while one is queued',
    given: { triggers: [long], runs: [runOf('b', 'build', 'queued')] },
    plan: { build: null, start: ['b'], wakeAt: null },
  },
  {
    claim: 'no build begins while one runs',
    given: { triggers: [triggerAt(now, 'manual')], runs: [runOf('b', 'build')] },
    plan: { build: null, start: [] },
  },
  {
    claim: 'builds continue while promotion is on hold',
    given: { held: true, triggers: [long] },
    plan: { build: { triggerIds: [long.id], because: 'drift' } },
  },
];

const candidate = (evaluationId: string) => ({ evaluationId, buildRunId: `build of ${evaluationId}` });

const deployments: Case[] = [
  {
    claim: 'a candidate is deployed',
    given: { candidates: [candidate('e')] },
    plan: { deploy: [{ evaluationId: 'e' }], passOver: [] },
  },
  {
    claim: 'the newest of several candidates is deployed',
    given: { candidates: [candidate('d'), candidate('e')] },
    plan: {
      deploy: [{ evaluationId: 'e' }],
      passOver: [{ evaluationId: 'd', because: 'a newer candidate took its place' }],
    },
  },
  {
    claim: 'no candidate is deployed during a hold',
    given: { held: true, candidates: [candidate('d'), candidate('e')] },
    plan: {
      deploy: [],
      supersede: [],
      passOver: ['d', 'e'].map((evaluationId) => ({ evaluationId, because: 'automatic promotion is on hold' })),
    },
  },
  {
    claim: 'a candidate supersedes automated requests, but neither a person’s request nor a running rollout',
    given: {
      candidates: [candidate('e')],
      runs: [
        runOf('a', 'deploy', 'awaiting-approval', true),
        runOf('p', 'deploy', 'awaiting-approval'),
        runOf('r', 'deploy', 'running', true),
      ],
    },
    plan: { supersede: ['a'], cancel: [] },
  },
  {
    claim: 'deployments run concurrently, and the database lets one change weights',
    given: { runs: [runOf('a', 'deploy'), runOf('b', 'deploy', 'queued')] },
    plan: { start: ['b'] },
  },
];

const rollbacks: Case[] = [
  {
    claim: 'a rollback cancels earlier deployments and automated builds',
    given: {
      runs: [
        runOf('d', 'deploy', 'awaiting-approval'),
        runOf('b', 'build', 'running', true),
        runOf('m', 'build', 'queued'),
        runOf('r', 'rollback', 'queued'),
      ],
    },
    plan: { cancel: ['d', 'b'].map((runId) => ({ runId, because: 'preempted by a rollback' })), start: ['r'] },
  },
  {
    claim: 'a deployment requested after a rollback waits for it',
    given: { runs: [runOf('r', 'rollback'), runOf('d', 'deploy', 'queued')] },
    plan: { cancel: [], start: [] },
  },
  {
    claim: 'nothing is built, deployed or dropped during a rollback',
    given: { runs: [runOf('r', 'rollback')], triggers: [long], candidates: [candidate('e')] },
    plan: { build: null, deploy: [], passOver: [], dropTriggers: [], wakeAt: null },
  },
  {
    claim: 'a second rollback waits for the first',
    given: { runs: [runOf('r', 'rollback'), runOf('s', 'rollback', 'queued')] },
    plan: { start: [] },
  },
];

const monitors: Case[] = [
  {
    claim: 'nothing is monitored if nothing serves',
    given: { monitorEvery: '1h' },
    plan: { monitor: false, wakeAt: null },
  },
  {
    claim: 'a serving model without a report is monitored at once',
    given: { monitorEvery: '1h', serving: true },
    plan: { monitor: true, wakeAt: '2012-03-10T13:00:00.000Z' },
  },
  {
    claim: 'a due report begins',
    given: { monitorEvery: '1h', serving: true, lastMonitorAt: '2012-03-10T11:00:00.000Z' },
    plan: { monitor: true },
  },
  {
    claim: 'a report that is not yet due waits',
    given: { monitorEvery: '1h', serving: true, lastMonitorAt: '2012-03-10T11:30:00.000Z' },
    plan: { monitor: false, wakeAt: '2012-03-10T12:30:00.000Z' },
  },
  {
    claim: 'only one report runs at a time',
    given: { monitorEvery: '1h', serving: true, runs: [runOf('m', 'monitor')] },
    plan: { monitor: false, wakeAt: null },
  },
  {
    claim: 'the lifecycle wakes for the earliest of its waits',
    given: {
      monitorEvery: '1h',
      serving: true,
      lastMonitorAt: '2012-03-10T11:58:00.000Z',
      triggers: [triggerAt('2012-03-10T11:55:00.000Z')],
    },
    plan: { monitor: false, wakeAt: '2012-03-10T12:05:00.000Z' },
  },
];

for (const [subject, cases] of Object.entries({ builds, deployments, rollbacks, monitors }))
  describe(subject, () => {
    it.each(cases)('$claim', ({ given, plan }) => {
      expect(planLifecycle(snapshotOf(given))).toMatchObject(plan);
    });
  });
