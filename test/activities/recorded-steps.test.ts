import { MockActivityEnvironment } from '@temporalio/testing';
import { expect, test } from 'vitest';
import type { ActivityDependencies } from '../../activities/activity-dependencies.ts';
import { instrument } from '../../activities/steps/instrument.ts';
import { lifecycleWorkflowId } from '../../contracts/runs/workflows.ts';
import type { RecordedStep } from '../../ports/repositories/run-repository.ts';

const runId = '0193e2c8-7b1c-7d4e-9f6a-2f1f4c3b2a10';
const scope = { project: 'default', projectId: runId, model: 'bike', modelId: runId, environment: 'production' };
const logger = { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error() {} };

/** Runs `fetchSource` as a step, and calls `record` for each record of it. */
async function runStep(work: () => Promise<unknown>, record: (step: RecordedStep) => Promise<void>): Promise<unknown> {
  const runs = {
    prove: async () => {},
    hasResult: async () => true,
    step: (_id: string, step: RecordedStep) => record(step),
  };
  const deps = { repositories: { runs }, logger, isolation: null } as unknown as ActivityDependencies;
  const workflowExecution = { workflowId: lifecycleWorkflowId(scope), runId };
  const environment = new MockActivityEnvironment({ workflowExecution, attempt: 3 }, { logger });
  return environment.run(instrument({ fetchSource: work }, deps).fetchSource, { runId, scope } as never);
}

test('a step that ends soon is recorded once, together with its result', async () => {
  const records: RecordedStep[] = [];
  await runStep(
    async () => ({ fetched: 'abc' }),
    async (step) => void records.push(step),
  );
  expect(records).toMatchObject([
    { name: 'fetchSource', attempt: 3, state: 'succeeded', results: [{ fetched: 'abc' }] },
  ]);
});

test('a longer step is recorded while it runs, again until that succeeds, and at its end', async () => {
  const records: RecordedStep[] = [];
  const recorded = Promise.withResolvers<void>();
  await runStep(
    async () => {
      await recorded.promise;
      return { fetched: 'abc' };
    },
    async (step) => {
      records.push(step);
      if (records.length === 1) throw new Error('Postgres does not answer');
      recorded.resolve();
    },
  );
  expect(records.map(({ state }) => state)).toEqual(['running', 'running', 'succeeded']);
  const [first, second, last] = records.map(({ begunMsAgo = 0 }) => begunMsAgo);
  // Each record names the same beginning.
  expect(first).toBeGreaterThan(0);
  expect(second).toBeGreaterThan(Number(first));
  expect(last).toBeGreaterThanOrEqual(Number(second));
});

test('a failed step is recorded with its reason and without a result', async () => {
  const records: RecordedStep[] = [];
  const fail = () => Promise.reject(new RangeError('Invalid time value'));
  await expect(runStep(fail, async (step) => void records.push(step))).rejects.toThrow('Invalid time value');
  expect(records).toMatchObject([{ state: 'failed', detail: 'Invalid time value' }]);
  expect(records[0]).not.toHaveProperty('results');
});
