import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Activities } from '../../contracts/pipelines/steps.ts';
import type { RunConclusion } from '../../contracts/pipelines/lifecycle-steps.ts';
import type { RunKind } from '../../contracts/runs/run.ts';
import { pipelines } from '../../contracts/pipelines/pipelines.ts';
import { workflowQueue } from '../../contracts/runs/workflows.ts';
import type { LifecycleWorker } from '../support/lifecycle-worker.ts';
import { startLifecycleWorker } from '../support/lifecycle-worker.ts';

// Real workflows on one real worker, with the production number of slots on each queue; the activities are stand-ins.

const rehearsals = 20;
const digest = 'a'.repeat(64);
const id = '0193e2c8-7b1c-7d4e-9f6a-2f1f4c3b2a10';

/** A gate that blocks all waiters until it is opened. */
function createGate() {
  const opened = Promise.withResolvers<void>();
  let waiting = 0;
  return {
    isOpen: false,
    waiting: () => waiting,
    opened: async () => {
      waiting += 1;
      await opened.promise;
    },
    open() {
      this.isOpen = true;
      opened.resolve();
    },
  };
}

/** Opens when the runs that the rehearsals started have ended; `served` opens when their rows are served. */
const runsOver = createGate();
const served = createGate();
const looks = new Map<string, number>();
const ended = new Map<string, RunConclusion>();
const servedAgain: number[] = [];

const activities: Partial<Activities> = {
  beginRun: async () => ({ alreadyFinal: false }),
  concludeRun: async ({ scope, conclusion }) => void ended.set(scope.model, conclusion),
  planRehearsal: async ({ scope: { model } }) =>
    model === 'begun-again'
      ? { rehearsalId: id, periods: 4, recorded: 2, rows: digest }
      : { rehearsalId: id, periods: 1, recorded: 0, rows: digest },
  commandPeriod: async () => ({ commandedRunId: id }),
  async lookAtRun({ scope: { model } }) {
    looks.set(model, (looks.get(model) ?? 0) + 1);
    return { over: runsOver.isOpen || model === 'swift' || model === 'begun-again' };
  },
  settlePeriod: async () => ({ quiet: true }),
  async servePeriod({ scope: { model }, index }) {
    if (model === 'begun-again') servedAgain.push(index);
    else if (model !== 'swift') await served.opened();
    return { rows: 1, served: {} };
  },
  recordPeriod: async () => undefined,
  finishRehearsal: async () => ({
    kind: 'rehearsal',
    rehearsalId: id,
    metricAsServed: 1,
    metricNeverReplaced: 1,
    promoted: 0,
    refused: 0,
    unchanged: 0,
  }),
  collectWindow: async () => ({ window: digest }),
  reportWindow: async () => ({ kind: 'monitor', reportId: id, opened: 0, closed: 0 }),
  expirePredictions: async () => ({ segments: 0 }),
};

let stack: LifecycleWorker;
beforeAll(async () => {
  stack = await startLifecycleWorker(activities);
});
afterAll(async () => {
  runsOver.open();
  served.open();
  await stack?.stop();
});

function start(kind: RunKind, model: string) {
  const scope = { project: 'default', model, modelId: id, environment: 'rehearsal-1' };
  return stack.temporal.workflow.start(pipelines[kind].workflow, {
    workflowId: `${kind} of ${model}`,
    taskQueue: workflowQueue,
    args: [{ schemaVersion: 1, runId: id, scope }],
  });
}

async function finishes(kind: RunKind, model: string): Promise<void> {
  await (await start(kind, model)).result();
  expect(ended.get(model)).toMatchObject({ state: 'succeeded' });
}

/** Returns the seconds of each timer that the workflow started, the first one first. */
async function waitsOf(workflow: Awaited<ReturnType<typeof start>> | undefined): Promise<readonly number[]> {
  const { events } = (await workflow?.fetchHistory()) ?? {};
  return (events ?? []).flatMap(({ timerStartedEventAttributes: timer }) =>
    timer ? [Number(timer.startToFireTimeout?.seconds)] : [],
  );
}

test('a worker stays free for monitoring while twenty rehearsals wait or serve', async () => {
  const names = Array.from({ length: rehearsals }, (_, index) => `model-${index}`);
  const started = await Promise.all(names.map((name) => start('rehearsal', name)));
  await expect.poll(() => names.every((name) => looks.has(name)), { timeout: 30_000 }).toBe(true);
  // All rehearsals wait for a run, and yet another rehearsal and a monitor finish.
  await finishes('rehearsal', 'swift');
  await finishes('monitor', 'watched');
  await expect.poll(() => looks.get('model-0'), { timeout: 30_000 }).toBeGreaterThanOrEqual(2);
  expect(names.filter((name) => ended.has(name))).toEqual([]);

  runsOver.open();
  await expect.poll(served.waiting, { timeout: 60_000 }).toBeGreaterThanOrEqual(8);
  // All serving slots of the worker are taken, and yet a monitor finishes.
  await finishes('monitor', 'watched-too');
  served.open();
  await Promise.all(started.map((handle) => handle.result()));
  // A waiting rehearsal checks at growing intervals.
  expect((await waitsOf(started[0])).slice(0, 3)).toEqual([1, 2, 4]);
}, 120_000);

test('a restarted rehearsal continues after the recorded periods', async () => {
  await finishes('rehearsal', 'begun-again');
  expect(servedAgain).toEqual([2, 3]);
});
