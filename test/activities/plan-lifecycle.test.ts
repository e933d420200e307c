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
  { claim: 'nothing asked, nothing done', given: {}, plan: { build: null, wakeAt: null, dropTriggers: [] } },
  {
    claim: 'a quiet debounce has passed',
    given: { triggers: [long] },
    plan: { build: { triggerIds: [long.id], because: 'drift' } },
  },
  {
    claim: 'debounce waits from the newest trigger',
    given: { triggers: [long, triggerAt('2012-03-10T11:55:00.000Z')].slice(1) },
    plan: { build: null, wakeAt: '2012-03-10T12:05:00.000Z' },
  },
  {
    claim: 'debounce waits ten times its length from the oldest and no longer',
    given: { triggers: [triggerAt('2012-03-10T10:20:00.000Z'), triggerAt('2012-03-10T11:59:00.000Z')] },
    plan: { build: { because: 'drift', triggerIds: [expect.any(String), expect.any(String)] as string[] } },
  },
  {
    claim: 'just before ten times its length it still waits',
    given: { triggers: [triggerAt('2012-03-10T10:20:00.001Z'), triggerAt('2012-03-10T11:59:00.000Z')] },
    plan: { build: null, wakeAt: '2012-03-10T12:00:00.001Z' },
  },
  {
    claim: 'a settled clock waits for no debounce',
    given: { settled: true, triggers: [triggerAt(now)] },
    plan: { build: { because: 'drift', triggerIds: [`drift ${now}`] } },
  },
  {
    claim: 'cooldown counts from the last automated build',
    given: { triggers: [long], lastBuildAt: '2012-03-09T13:00:00.000Z' },
    plan: { build: null, wakeAt: '2012-03-10T13:00:00.000Z' },
  },
  {
    claim: 'a cooldown of a day crosses the change of the clocks by the calendar',
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
    claim: 'a spent budget waits until it renews, for a person too',
    given: { triggers: [triggerAt(now, 'manual')], buildsInPeriod: 30 },
    plan: { build: null, wakeAt: '2012-04-01T00:00:00.000Z' },
  },
  {
    claim: 'a person’s trigger takes those that wait with it',
    given: { triggers: [triggerAt(now), triggerAt(now, 'manual')], lastBuildAt: now },
    plan: { build: { triggerIds: [`drift ${now}`, `manual ${now}`], because: 'drift, manual' } },
  },
  {
    claim: 'a kind that is not listed is dropped; schedule and manual always count',
    given: { triggers: [triggerAt(now, 'performance'), triggerAt('2012-03-10T00:00:00.000Z', 'schedule', 's')] },
    plan: {
      build: { triggerIds: ['s'], because: 'schedule' },
      dropTriggers: [{ id: `performance ${now}`, because: 'retrain.on does not list performance' }],
    },
  },
  {
    claim: 'without a configuration triggers wait',
    given: { policy: null, triggers: [long] },
    plan: { build: null, dropTriggers: [], wakeAt: null },
  },
  {
    claim: 'one build at a time: queued',
    given: { triggers: [long], runs: [runOf('b', 'build', 'queued')] },
    plan: { build: null, start: ['b'], wakeAt: null },
  },
  {
    claim: 'one build at a time: running',
    given: { triggers: [triggerAt(now, 'manual')], runs: [runOf('b', 'build')] },
    plan: { build: null, start: [] },
  },
  {
    claim: 'promotion on hold does not keep from building',
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
    claim: 'of several the newest',
    given: { candidates: [candidate('d'), candidate('e')] },
    plan: {
      deploy: [{ evaluationId: 'e' }],
      passOver: [{ evaluationId: 'd', because: 'a newer candidate took its place' }],
    },
  },
  {
    claim: 'on hold none',
    given: { held: true, candidates: [candidate('d'), candidate('e')] },
    plan: {
      deploy: [],
      supersede: [],
      passOver: ['d', 'e'].map((evaluationId) => ({ evaluationId, because: 'automatic promotion is on hold' })),
    },
  },
  {
    claim: 'it supersedes what automation asked, not what a person asked nor what is being rolled out',
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
    claim: 'deployments go side by side: the database lets one move weights',
    given: { runs: [runOf('a', 'deploy'), runOf('b', 'deploy', 'queued')] },
    plan: { start: ['b'] },
  },
];

const rollbacks: Case[] = [
  {
    claim: 'a rollback cancels deployments and automated builds that were asked before it',
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
    claim: 'a deployment that is asked after it waits',
    given: { runs: [runOf('r', 'rollback'), runOf('d', 'deploy', 'queued')] },
    plan: { cancel: [], start: [] },
  },
  {
    claim: 'while it goes on nothing is built or deployed, and nothing is dropped for it',
    given: { runs: [runOf('r', 'rollback')], triggers: [long], candidates: [candidate('e')] },
    plan: { build: null, deploy: [], passOver: [], dropTriggers: [], wakeAt: null },
  },
  {
    claim: 'one rollback after the other',
    given: { runs: [runOf('r', 'rollback'), runOf('s', 'rollback', 'queued')] },
    plan: { start: [] },
  },
];

const monitors: Case[] = [
  { claim: 'nothing serves', given: { monitorEvery: '1h' }, plan: { monitor: false, wakeAt: null } },
  {
    claim: 'never monitored',
    given: { monitorEvery: '1h', serving: true },
    plan: { monitor: true, wakeAt: '2012-03-10T13:00:00.000Z' },
  },
  {
    claim: 'due',
    given: { monitorEvery: '1h', serving: true, lastMonitorAt: '2012-03-10T11:00:00.000Z' },
    plan: { monitor: true },
  },
  {
    claim: 'not yet',
    given: { monitorEvery: '1h', serving: true, lastMonitorAt: '2012-03-10T11:30:00.000Z' },
    plan: { monitor: false, wakeAt: '2012-03-10T12:30:00.000Z' },
  },
  {
    claim: 'one at a time',
    given: { monitorEvery: '1h', serving: true, runs: [runOf('m', 'monitor')] },
    plan: { monitor: false, wakeAt: null },
  },
  {
    claim: 'it wakes for whichever is first',
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
