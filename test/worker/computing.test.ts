import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, expect, test } from 'vitest';
import { createComputations } from '../../activities/computations.ts';
import type { StoringDependencies } from '../../activities/activity-dependencies.ts';
import { ComputeProcesses } from '../../worker/computing/compute-processes.ts';
import { measureMillionRows } from '../support/million-rows.ts';

const program = new URL('../support/computing-program.ts', import.meta.url);
const computing = new ComputeProcesses({ program, memoryBytes: 2 ** 30 });
const small = new ComputeProcesses({ program, memoryBytes: 40 * 2 ** 20 });
afterAll(() => Promise.all([computing.close(), small.close()]));

/** Keeps the SDK from logging every failure. */
const logger = { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error() {} };
const never = new AbortController().signal;

/** Calls a computation as an activity does. */
function ask<Result>(name: string, signal = never, pool = computing): Promise<Result> {
  const activity = new MockActivityEnvironment({ activityId: `asks ${name}` }, { logger });
  return activity.run(() => pool.run<Result>(name, {}, signal));
}

/**
 * Returns the longest time between two timer ticks for which this thread was busy, in milliseconds of processor time.
 */
async function longestBlockDuring<Result>(work: () => Promise<Result>): Promise<{ longestMs: number; result: Result }> {
  let longestMs = 0;
  let { user, system } = process.threadCpuUsage();
  const beat = setInterval(() => {
    const now = process.threadCpuUsage();
    longestMs = Math.max(longestMs, (now.user + now.system - user - system) / 1000);
    ({ user, system } = now);
  }, 5);
  try {
    return { result: await work(), longestMs };
  } finally {
    clearInterval(beat);
  }
}

function processes(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test('a bootstrap, gates and drift over a million rows block the worker thread for less than 50 ms, with the same result', async () => {
  // Warm-up: starts the process, and compiles the calling code in this thread.
  await ask('whoAmI');
  const { result, longestMs } = await longestBlockDuring(() => ask('measureMillionRows'));
  expect(longestMs).toBeLessThan(50);
  const here = process.threadCpuUsage();
  expect(measureMillionRows()).toEqual(result);
  const { user } = process.threadCpuUsage(here);
  // Without the computing process, the same work blocks this thread for over half a second.
  expect(user / 1000).toBeGreaterThan(500);
}, 120_000);

test('a computation knows its activity, and the next one runs in the same process', async () => {
  const [first, second] = [await ask<{ pid: number }>('whoAmI'), await ask<{ pid: number }>('whoAmI')];
  expect(first).toEqual({ pid: expect.any(Number), activityId: 'asks whoAmI' });
  expect(second.pid).toBe(first.pid);
  expect(first.pid).not.toBe(process.pid);
});

test.each(Object.entries(createComputations({ computing } as unknown as StoringDependencies)))(
  'the computation %s of an activity runs in a process of its own',
  async (_name, compute: (input: never) => Promise<unknown>) => {
    const activity = new MockActivityEnvironment({ activityId: 'computes' }, { logger });
    const answer = await activity.run(compute, {} as never);
    expect(answer).toEqual({ pid: expect.any(Number), activityId: 'computes' });
    expect(answer).not.toMatchObject({ pid: process.pid });
  },
);

test('known errors keep their code and fields, and unforeseen errors keep their message', async () => {
  await expect(ask('refuse')).rejects.toMatchObject({
    code: 'no-data',
    message: 'there are no rows',
    fields: { rows: 0 },
  });
  await expect(ask('stumble')).rejects.toMatchObject({ name: 'Error', message: 'Invalid time value' });
});

test('cancelled work ends even in the middle of a loop, and the next work gets a new process', async () => {
  const { pid } = await ask<{ pid: number }>('whoAmI');
  for (const name of ['spin', 'wait']) {
    const cancelling = new AbortController();
    const asked = ask(name, cancelling.signal);
    setTimeout(() => cancelling.abort(), 100);
    await expect(asked).rejects.toMatchObject({ name: 'AbortError' });
  }
  expect(processes(pid)).toBe(false);
  expect((await ask<{ pid: number }>('whoAmI')).pid).not.toBe(pid);
});

test('work that exceeds the memory of its process fails with an error that names the setting', async () => {
  await expect(ask('fill', never, small)).rejects.toMatchObject({
    code: 'limit-reached',
    message: expect.stringContaining('raise PERENNIAL_COMPUTE_MEMORY'),
  });
}, 60_000);

test('work in a killed process fails with process-died, and work beyond the number of processes waits', async () => {
  const { pid } = await ask<{ pid: number }>('whoAmI');
  const waiting = ask('wait');
  setTimeout(() => process.kill(pid, 'SIGKILL'), 50);
  await expect(waiting).rejects.toMatchObject({ code: 'process-died' });
  const pids = await Promise.all(Array.from({ length: 8 }, () => ask<{ pid: number }>('whoAmI')));
  expect(new Set(pids.map((asked) => asked.pid)).size).toBeLessThan(8);
}, 60_000);
