import { expect, test } from 'vitest';
import { retryFailedTask } from '../../adapters/workflow-client/retry-failed-task.ts';

/** Returns an update that fails this many times, with the gRPC status wrapped as the SDK wraps it. */
function failing(times: number, code: number) {
  let calls = 0;
  const update = async (): Promise<void> => {
    calls += 1;
    if (calls <= times) throw new Error('it failed', { cause: Object.assign(new Error('the status'), { code }) });
  };
  return { update, calls: () => calls };
}

test('an update whose workflow task failed is sent again', async () => {
  const { update, calls } = failing(2, 9);
  await retryFailedTask(update);
  expect(calls()).toBe(3);
});

test('an update whose workflow task always fails is sent three times', async () => {
  const { update, calls } = failing(10, 9);
  await expect(retryFailedTask(update)).rejects.toThrow('it failed');
  expect(calls()).toBe(3);
});

test.each([
  ['unavailable, which the SDK has retried', 14],
  ['past its deadline', 4],
])('an update that is %s is not sent again', async (_, code) => {
  const { update, calls } = failing(1, code);
  await expect(retryFailedTask(update)).rejects.toThrow('it failed');
  expect(calls()).toBe(1);
});
