import { ActivityFailure, ApplicationFailure, RetryState, TimeoutFailure, TimeoutType } from '@temporalio/common';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Activities } from '../../contracts/pipelines/steps.ts';
import type { ActivityDependencies } from '../../activities/activity-dependencies.ts';
import { instrument } from '../../activities/steps/instrument.ts';
import { Configuration } from '../../contracts/configuration/configuration.ts';
import { PerennialError } from '../../contracts/errors.ts';
import { lifecycleWorkflowId, nudgeSignal } from '../../contracts/runs/workflows.ts';
import { conclusionFrom } from '../../workflows/running/conclusion-from.ts';
import { configuration } from '../db/database-ground.ts';
import type { LifecycleWorker } from '../support/lifecycle-worker.ts';
import { quiet, startLifecycleWorker } from '../support/lifecycle-worker.ts';

let stack: LifecycleWorker;
let calls = 0;
/** True while the lifecycle's activity must fail permanently at each check; `looksInVain` counts these failures. */
let broken = false;
let looksInVain = 0;

beforeAll(async () => {
  const materialiseEnvironment: Activities['materialiseEnvironment'] = async (input) => {
    const deps = { repositories: stack.repositories, logger: quiet } as ActivityDependencies;
    const fail: Activities['materialiseEnvironment'] = async () => {
      calls += 1;
      if (calls === 1) throw new PerennialError('store-unavailable', 'the object store does not answer');
      throw new RangeError('Invalid time value');
    };
    return instrument({ materialiseEnvironment: fail }, deps).materialiseEnvironment(input);
  };
  const advanceLifecycle: Activities['advanceLifecycle'] = async (input) => {
    if (!broken) return stack.activities.advanceLifecycle(input);
    looksInVain += 1;
    throw ApplicationFailure.nonRetryable('it was tried five times', 'internal');
  };
  stack = await startLifecycleWorker({ materialiseEnvironment, advanceLifecycle });
}, 60_000);
afterAll(() => stack?.stop());

test('a run with a permanently failing step fails, and states the reason, the number of attempts and the way out', async () => {
  const { repositories, workflowClient } = stack;
  const by = (await repositories.principals.ensure('operator', 'person', [{ role: 'operator' }], null)).id;
  const { scope } = await repositories.models.apply('default', 'production', Configuration.parse(configuration), by);
  const request = { kind: 'build', schemaVersion: 1, asOf: '2012-01-01T00:00:00.000Z', automated: false } as const;
  const { runId } = await repositories.lifecycle.submit(scope, { kind: 'run', schemaVersion: 1, request }, by);
  await workflowClient.advance(scope);
  const run = () => repositories.runs.get(String(runId));
  await expect.poll(async () => (await run()).state, { timeout: 40_000, interval: 200 }).toBe('failed');
  // One attempt failed with a known error and five with an unforeseen one; each attempt passes its count to the next.
  expect(calls).toBe(6);
  expect(await run()).toMatchObject({
    failure: {
      code: 'internal',
      message: expect.stringMatching(
        /^materialiseEnvironment: Invalid time value\. materialiseEnvironment was tried 6 times within \d+ s and is not tried again; fix the cause/,
      ),
      fields: { attempts: 6 },
    },
  });
}, 60_000);

test('a lifecycle continues after a failed check, and answers waiting callers', async () => {
  const { repositories, workflowClient, temporal } = stack;
  const by = (await repositories.principals.ensure('operator', 'person', [{ role: 'operator' }], null)).id;
  const own = Configuration.parse({ ...configuration, name: 'goes-on' });
  const { scope } = await repositories.models.apply('default', 'production', own, by);
  broken = true;
  const first = workflowClient.advance(scope);
  await expect.poll(() => looksInVain, { timeout: 10_000 }).toBeGreaterThan(0);
  broken = false;
  const lifecycle = temporal.workflow.getHandle(lifecycleWorkflowId(scope));
  await lifecycle.signal(nudgeSignal);
  await first;
  expect((await lifecycle.describe()).status.name).toBe('RUNNING');
}, 60_000);

test('a run fails with step-lost and the last error if no worker finishes its step', () => {
  const timeout = Object.assign(new TimeoutFailure('activity timeout', undefined, TimeoutType.SCHEDULE_TO_CLOSE), {
    cause: new Error('the object store does not answer'),
  });
  const ended = new ActivityFailure('timed out', 'trainModel', undefined, RetryState.TIMEOUT, undefined, timeout);
  expect(conclusionFrom(ended)).toMatchObject({
    state: 'failed',
    failure: {
      code: 'step-lost',
      message: expect.stringMatching(
        /no worker finished trainModel .* the object store does not answer; check that a worker/,
      ),
    },
  });
});
