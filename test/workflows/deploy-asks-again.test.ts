import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Activities } from '../../contracts/pipelines/steps.ts';
import type { Confirmation, RolloutFacts } from '../../contracts/pipelines/deploy-runs.ts';
import type { RunConclusion } from '../../contracts/pipelines/lifecycle-steps.ts';
import { workflowQueue } from '../../contracts/runs/workflows.ts';
import type { LifecycleWorker } from '../support/lifecycle-worker.ts';
import { startLifecycleWorker } from '../support/lifecycle-worker.ts';

// A deployment requests approval again if the champion changes while the deployment waits for its turn.

const digest = 'a'.repeat(64);
const id = '0193e2c8-7b1c-7d4e-9f6a-2f1f4c3b2a10';
const facts: RolloutFacts = {
  approvalId: 'first',
  releaseId: id,
  releaseDigest: digest,
  championDigest: 'b'.repeat(64),
  shadow: null,
  steps: [100],
  bakeMs: 1_000,
  onInsufficient: 'extend',
  virtual: false,
  notify: true,
  again: false,
};

/** Returns the given answers in order, and repeats the last one. */
let answers: {
  queues: (string | null)[];
  confirmations: Confirmation[];
  requests: (RolloutFacts | null)[];
  begun: ('begun' | 'champion-changed' | 'superseded')[];
};
const done: string[] = [];
const concluded: RunConclusion[] = [];

function take<Answer>(list: Answer[]): Answer {
  const [first] = list;
  if (first === undefined) throw new Error('the test gave no answer');
  return list.length > 1 ? (list.shift() ?? first) : first;
}

const activities: Partial<Activities> = {
  beginRun: async () => ({ alreadyFinal: false }),
  concludeRun: async ({ conclusion }) => void concluded.push(conclusion),
  queueOfConfirmation: async () => ({ queue: take(answers.queues) }),
  confirmEvaluation: async () => {
    done.push('measured');
    return take(answers.confirmations);
  },
  requestApproval: async ({ replaces }) => {
    done.push(replaces === undefined ? 'asked' : `asked in the place of ${replaces}`);
    return take(answers.requests);
  },
  // The request is pending at first, so that voters are notified.
  tallyApproval: async ({ approvalId }) => {
    const isKnown = done.includes(`counted ${approvalId}`);
    done.push(`counted ${approvalId}`);
    return { status: isKnown ? 'approved' : 'pending', expiresInMs: 1_000, remindInMs: 1_000 };
  },
  notifyOfApproval: async ({ approvalId, about }) => {
    done.push(`told of ${approvalId}: ${about}`);
    return { told: ['people'], failed: [] };
  },
  beginRollout: async () => take(answers.begun),
  raiseGeneration: async () => ({ generation: 2 }),
  awaitGateways: async () => ({ loaded: true }),
  endRollout: async () => undefined,
};

let stack: LifecycleWorker;
beforeAll(async () => {
  stack = await startLifecycleWorker(activities);
});
afterAll(() => stack?.stop());
beforeEach(() => {
  done.length = 0;
  concluded.length = 0;
});

async function run(workflowId: string, given: Partial<typeof answers>): Promise<unknown> {
  const candidate = { decision: 'candidate' as const, reasons: [] };
  answers = { queues: [null], confirmations: [candidate], requests: [facts], begun: ['begun'], ...given };
  const scope = { project: 'default', model: 'patient', modelId: id, environment: 'production' };
  const args = [{ schemaVersion: 1, runId: id, scope }];
  await stack.temporal.workflow.execute('deployPipeline', { workflowId, taskQueue: workflowQueue, args });
  const [conclusion] = concluded;
  return conclusion?.state === 'succeeded' ? conclusion.outcome : conclusion;
}

test('approval is requested again if the version passes against the next champion, and voters are notified', async () => {
  const again = { ...facts, approvalId: 'second', again: true };
  const outcome = await run('asks-again', {
    queues: [null, 'train'],
    requests: [facts, again],
    begun: ['champion-changed', 'begun'],
  });
  expect(outcome).toMatchObject({ decision: 'promoted', releaseDigest: digest });
  expect(done.filter((what) => !what.startsWith('counted'))).toEqual([
    'asked',
    'told of first: requested',
    'measured',
    'asked in the place of first',
    'told of second: requested-again',
  ]);
});

test('a version that fails against the next champion is refused with the reasons of its gates', async () => {
  const reasons = ['no gain over the champion'];
  const confirmations = [{ decision: 'rejected' as const, reasons }];
  expect(
    await run('refused-later', { queues: [null, 'train'], confirmations, begun: ['champion-changed'] }),
  ).toMatchObject({ decision: 'refused', releaseDigest: digest, reasons });
  expect(await run('refused-at-once', { queues: ['train'], confirmations })).toBeDefined();
  expect(concluded.at(-1)).toMatchObject({
    outcome: { decision: 'refused', releaseId: null, releaseDigest: null, reasons },
  });
  expect(done.filter((what) => what.startsWith('asked'))).toEqual(['asked']);
});

test('the version is evaluated again if the champion changes between evaluation and request', async () => {
  const outcome = await run('measured-twice', { queues: ['train', 'train'], requests: [null, facts] });
  expect(outcome).toMatchObject({ decision: 'promoted' });
  expect(done.filter((what) => !/counted|told/.test(what))).toEqual(['measured', 'asked', 'measured', 'asked']);
});
