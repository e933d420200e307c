import { cancelled } from '@temporalio/activity';
import { MockActivityEnvironment } from '@temporalio/testing';
import { ApplicationFailure } from '@temporalio/common';
import { expect, test } from 'vitest';
import type { ActivityDependencies } from '../../activities/activity-dependencies.ts';
import { instrument } from '../../activities/steps/instrument.ts';
import { declaredSteps } from '../../contracts/pipelines/steps.ts';
import type { ErrorCode } from '../../contracts/errors.ts';
import { errorTable, isErrorCode, PerennialError, retryBoundOf } from '../../contracts/errors.ts';
import { collectionsName, ledgerHeadsName, lifecycleWorkflowId } from '../../contracts/runs/workflows.ts';

const codes = Object.keys(errorTable).filter((code): code is ErrorCode => isErrorCode(code));
const runId = '0193e2c8-7b1c-7d4e-9f6a-2f1f4c3b2a10';
const scope = { project: 'default', projectId: runId, model: 'bike', modelId: runId, environment: 'production' };
const hourMs = 3_600_000;

/** Lets every step pass its authorisation checks, because these tests are about steps that fail later. */
const deps = {
  repositories: { runs: { prove: async () => {}, hasResult: async () => true, step: async () => {} } },
  logger: { debug() {}, info() {}, warn() {}, error() {} },
  collectionSchedule: null,
} as unknown as ActivityDependencies;

/** Keeps the SDK from logging every failure. */
const logger = { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error() {} };

/** An input with the fields that the authorisation checks of all steps read. */
const input = { runId, scope, about: { runId, scope }, conclusion: { state: 'failed' }, collectionId: runId };

function workflowIdFor(activity: string): string {
  if (activity === 'signHeads') return `${ledgerHeadsName}/one`;
  if (['beginCollection', 'markReachable', 'sweepGarbage', 'endCollection'].includes(activity))
    return `${collectionsName}/one`;
  return lifecycleWorkflowId(scope);
}

/** Retries as Temporal does until a failure is final: each attempt receives the last heartbeat of the previous one. */
async function tryForEver(
  activity: string,
  work: () => Promise<unknown>,
  { firstAtMs = Date.now(), attemptsAtMost = 20 } = {},
): Promise<{ readonly attempts: number; readonly failure: ApplicationFailure | undefined }> {
  const instrumented = instrument({ [activity]: work }, deps)[activity]!;
  let heartbeatDetails: unknown;
  const workflowId = workflowIdFor(activity);
  for (let attempt = 1; attempt <= attemptsAtMost; attempt += 1) {
    const workflowExecution = { workflowId, runId };
    const environment = new MockActivityEnvironment(
      { attempt, heartbeatDetails, scheduledTimestampMs: firstAtMs, workflowExecution },
      { logger },
    );
    environment.on('heartbeat', (details: unknown) => (heartbeatDetails = details));
    const failure = await environment
      .run(instrumented, { ...input, firing: workflowId } as never)
      .then(() => undefined)
      .catch((caught: unknown) => caught);
    if (!(failure instanceof ApplicationFailure)) throw failure;
    if (failure.nonRetryable === true) return { attempts: attempt, failure };
  }
  return { attempts: attemptsAtMost, failure: undefined };
}

test.each([...declaredSteps.keys()])(
  '%s stops retrying a permanent failure, and reports its error code and reason',
  async (activity) => {
    for (const code of codes) {
      const fail = () => Promise.reject(new PerennialError(code, `this is ${code}`, { thing: 'one' }));
      const bound = retryBoundOf(code);
      const justBegun = await tryForEver(activity, fail);
      if (bound !== undefined && 'hours' in bound) {
        expect(justBegun.failure, `${code} within its time`).toBeUndefined();
        const late = await tryForEver(activity, fail, { firstAtMs: Date.now() - bound.hours * hourMs });
        expect(late, code).toMatchObject({ attempts: 1, failure: { type: code } });
        expect(late.failure?.message).toMatch(/^this is .*was tried .* and is not tried again/);
        continue;
      }
      const attempts = bound === undefined ? 1 : bound.attempts;
      expect(justBegun, code).toMatchObject({ attempts, failure: { type: code } });
      expect(justBegun.failure?.details?.[0]).toMatchObject({ thing: 'one' });
      if (attempts > 1) expect(justBegun.failure?.message).toMatch(/was tried \d+ times within 1 s/);
    }
  },
);

test('an unforeseen error is tried five times, regardless of earlier database outages', async () => {
  let calls = 0;
  const { attempts, failure } = await tryForEver('fetchSource', async () => {
    calls += 1;
    if (calls <= 10) throw new PerennialError('database-unavailable', 'Postgres does not answer');
    throw new RangeError('Invalid time value');
  });
  expect(attempts).toBe(15);
  expect(failure).toMatchObject({
    type: 'internal',
    message: expect.stringContaining('fetchSource: Invalid time value'),
  });
});

test.each(['ENOSPC: no space left on device, write', 'EDQUOT: disk quota exceeded, mkdir'])(
  'a step that fails with "%s" is retried for as long as an outage may last, and names the full disk',
  async (message) => {
    const fail = () => Promise.reject(new Error('training failed', { cause: new Error(message) }));
    expect(await tryForEver('trainModel', fail)).toEqual({ attempts: 20, failure: undefined });
    const { failure } = await tryForEver('trainModel', fail, { firstAtMs: Date.now() - 24 * hourMs });
    expect(failure).toMatchObject({
      type: 'disk-full',
      message: expect.stringMatching(/^a disk (is full|quota is used up)/),
    });
  },
);

function environmentAfter(heartbeatDetails: unknown, attempt: number): MockActivityEnvironment {
  const workflowExecution = { workflowId: lifecycleWorkflowId(scope), runId };
  return new MockActivityEnvironment({ workflowExecution, heartbeatDetails, attempt }, { logger });
}

test('an attempt that is cancelled because its worker stops is not counted', async () => {
  const heard: unknown[] = [];
  const environment = environmentAfter({ schemaVersion: 1, lost: 2, failed: { internal: 3 }, cancelled: 1 }, 7);
  environment.on('heartbeat', (details: unknown) => heard.push(details));
  const untilCancelled = () =>
    cancelled().catch(() => {
      throw new Error('stopped');
    });
  const wait = instrument({ fetchSource: untilCancelled }, deps);
  const ending = environment.run(wait.fetchSource, input as never).catch((caught: unknown) => caught);
  environment.cancel('WORKER_SHUTDOWN');
  expect(await ending).toMatchObject({ name: 'CancelledFailure' });
  expect(heard.at(-1)).toEqual({ schemaVersion: 1, lost: 2, failed: { internal: 3 }, cancelled: 2 });
});

test.each([
  ['at once', undefined, 6],
  ['after a heartbeat', { schemaVersion: 1, lost: 3, failed: {}, cancelled: 0 }, 6],
  ['between failures and stops of the worker', { schemaVersion: 1, lost: 0, failed: { internal: 2 }, cancelled: 1 }, 9],
  ['under an older version', { schemaVersion: 1, lost: 5, failed: {} }, 8],
])(
  'a step is started five times if its worker dies each time %s, and then fails with step-lost',
  async (_when, details, attempt) => {
    const environment = environmentAfter(details, attempt);
    let begun = false;
    const step = instrument({ fetchSource: async () => (begun = true) }, deps).fetchSource;
    await expect(environment.run(step, input as never)).rejects.toMatchObject({
      type: 'step-lost',
      nonRetryable: true,
      message: expect.stringContaining('fetchSource was started 5 times'),
    });
    expect(begun).toBe(false);
  },
);
