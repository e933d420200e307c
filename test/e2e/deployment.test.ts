import { Connection, WorkflowClient } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { Approval } from '../../contracts/serving/approval.ts';
import type { ConfigurationInput } from '../../contracts/configuration/configuration.ts';
import { Generation } from '../../contracts/serving/deployment.ts';
import { Run } from '../../contracts/runs/run.ts';
import { nudgeSignal } from '../../contracts/runs/workflows.ts';
import type { EmbeddedStack } from '../support/embedded-stack.ts';
import { startEmbeddedStack } from '../support/embedded-stack.ts';
import { until } from '../support/until.ts';
import { linearModel, logarithmModel } from '../support/onnx-models.ts';
import type { TinyModel } from '../support/tiny-model.ts';
import { tinyModel } from '../support/tiny-model.ts';

// Which releases reach production and which do not, through the whole stack.

const asOf = '2026-01-11T00:00:00Z';
const Deployments = z.object({ generation: Generation.nullable(), hold: z.string().nullable() }).loose();

let stack: EmbeddedStack;
const models: TinyModel[] = [];
beforeAll(async () => {
  stack = await startEmbeddedStack();
});
afterAll(async () => {
  await stack?.end();
  for (const model of models) await model.remove();
});

/** Creates a model, applies it, ingests its rows and builds it, so that version 1 is a candidate. */
async function candidate(
  name: string,
  changes?: Parameters<TinyModel['configure']>[0],
  onnx?: Uint8Array,
): Promise<TinyModel> {
  const model = await tinyModel(name, changes);
  models.push(model);
  if (onnx !== undefined) await code(model, onnx);
  await apply(model);
  await stack.json(z.unknown(), ['data', 'ingest', '-f', model.file]);
  await build(name);
  return model;
}

/** Makes the training script produce this ONNX model from now on. */
function code(model: TinyModel, onnx: Uint8Array): Promise<void> {
  return model.code('cp model.onnx "$PERENNIAL_OUTPUT/"', { 'model.onnx': onnx });
}

async function apply(model: TinyModel): Promise<void> {
  await stack.json(z.unknown(), ['apply', '-f', model.file]);
}

async function build(name: string): Promise<void> {
  const outcome = await stack.json(z.object({ decision: z.string() }).loose(), [
    'build',
    '--model',
    name,
    '--as-of',
    asOf,
  ]);
  expect(outcome.decision).toBe('candidate');
}

/** Requests the version's deployment and returns its run id and approval request. */
async function askFor(name: string, version: number, as: 'operator' | 'approver' = 'operator') {
  const started = await stack.request('POST', `/v1/models/${name}/deployments`, { version }, as);
  expect(started.status).toBe(202);
  const { run } = z.object({ run: Run }).loose().parse(started.body);
  const approvalId = await until('the deployment asks for approval', async () => {
    const now = await stack.get(Run, `/v1/runs/${run.id}`);
    return now.state === 'awaiting-approval' && now.approvalId;
  });
  return { runId: run.id, approval: await stack.get(Approval, `/v1/approvals/${approvalId}`) };
}

function vote(approval: z.infer<typeof Approval>, as: 'operator' | 'approver' | 'admin', digest = approval.digest) {
  return stack.request('POST', `/v1/approvals/${approval.id}/votes`, { decision: 'approve', digest }, as);
}

function outcomeOf(runId: string): Promise<z.infer<typeof Run>> {
  return until('the run is over', async () => {
    const run = await stack.get(Run, `/v1/runs/${runId}`);
    return (run.state === 'succeeded' || run.state === 'failed' || run.state === 'cancelled') && run;
  });
}

async function deploy(name: string, version: number): Promise<z.infer<typeof Run>> {
  const { runId, approval } = await askFor(name, version);
  expect((await vote(approval, 'approver')).status).toBe(200);
  return outcomeOf(runId);
}

function deployments(name: string) {
  return stack.get(Deployments, `/v1/models/${name}/deployments`);
}

async function championOf(name: string): Promise<number | undefined> {
  const { generation } = await deployments(name);
  return generation?.slots.find((slot) => slot.role === 'champion')?.modelVersionNumber;
}

async function infer(name: string, features: Readonly<Record<string, number>>) {
  const answer = await fetch(`${stack.gateway}/v2/models/${name}/infer`, {
    method: 'POST',
    headers: { authorization: `Bearer ${stack.keys.operator}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      inputs: Object.entries(features).map(([input, value]) => ({
        name: input,
        datatype: 'FP32',
        shape: [1],
        data: [value],
      })),
    }),
  });
  return { status: answer.status, body: await answer.json() };
}

test('a forged signal approves nothing; a vote does, and predictions name the approved release', async () => {
  await candidate('signals');
  const { runId, approval } = await askFor('signals', 1);
  const connection = await Connection.connect({ address: stack.temporal });
  try {
    const { workflowId } = await stack.get(Run, `/v1/runs/${runId}`);
    const handle = new WorkflowClient({ connection }).getHandle(workflowId);
    for (let i = 0; i < 3; i += 1) await handle.signal(nudgeSignal, { decision: 'approve', digest: approval.digest });
    await until('the deployment has looked again', async () => {
      const { steps } = await stack.get(Run, `/v1/runs/${runId}`);
      return steps.some((step) => step.name === 'tallyApproval' && step.state === 'succeeded');
    });
  } finally {
    await connection.close();
  }
  expect(await stack.get(Approval, `/v1/approvals/${approval.id}`)).toMatchObject({ status: 'pending', votes: [] });
  expect((await deployments('signals')).generation).toBeNull();

  const voted = await stack.perennial(['approve', approval.id, '--yes']);
  expect(voted.code, voted.stderr).toBe(0);
  expect(await outcomeOf(runId)).toMatchObject({ state: 'succeeded', outcome: { decision: 'promoted' } });
  const { status, body } = await infer('signals', { temp: 10, hum: 1 });
  expect(status).toBe(200);
  expect(body).toMatchObject({
    model_version: '1',
    outputs: [{ data: [21] }],
    parameters: { release: approval.subject.release, prediction_id: expect.any(String) },
  });
});

test('votes on another digest, by the requester, without the role, twice, and after the end are refused', async () => {
  await candidate('votes', (configuration) => ({
    ...configuration,
    deploy: {
      ...configuration.deploy,
      approval: { votes: 2, roles: ['approver'], requesterMayVote: false, expires: '72h' },
    },
  }));
  const { runId, approval } = await askFor('votes', 1, 'approver');
  expect(await vote(approval, 'admin', '0'.repeat(64))).toMatchObject({
    status: 409,
    body: { code: 'digest-not-current' },
  });
  expect(await vote(approval, 'approver')).toMatchObject({ status: 403, body: { code: 'vote-refused' } });
  expect((await vote(approval, 'operator')).status).toBe(403);
  expect((await vote(approval, 'admin')).status).toBe(200);
  expect(await vote(approval, 'admin')).toMatchObject({ status: 403, body: { code: 'vote-refused' } });
  // With one of two required votes nothing is decided, and the run can still be cancelled.
  expect(await stack.get(Approval, `/v1/approvals/${approval.id}`)).toMatchObject({ status: 'pending' });
  const cancelled = await stack.perennial(['runs', 'cancel', runId, '--reason', 'not today']);
  expect(cancelled.code, cancelled.stderr).toBe(0);
  expect(await outcomeOf(runId)).toMatchObject({ state: 'cancelled' });
  expect((await deployments('votes')).generation).toBeNull();
});

test('a request without votes expires, and a later vote is refused', async () => {
  await candidate('expiry', (configuration) => ({
    ...configuration,
    deploy: {
      ...configuration.deploy,
      approval: { votes: 1, roles: ['approver'], requesterMayVote: false, expires: '1s' },
    },
  }));
  const { runId, approval } = await askFor('expiry', 1);
  expect(await outcomeOf(runId)).toMatchObject({ state: 'succeeded', outcome: { decision: 'expired' } });
  expect(await vote(approval, 'approver')).toMatchObject({ status: 409, body: { code: 'approval-closed' } });
  expect((await deployments('expiry')).generation).toBeNull();
});

test('a rollback serves the previous release, holds automation until resume, and the ledger gives the reason', async () => {
  const model = await candidate('back');
  expect(await deploy('back', 1)).toMatchObject({ outcome: { decision: 'promoted' } });
  await code(model, linearModel({ features: ['temp', 'hum'], weights: [2, 1], bias: 0.5 }));
  await apply(model);
  await build('back');
  expect(await deploy('back', 2)).toMatchObject({ outcome: { decision: 'promoted' } });
  expect((await infer('back', { temp: 10, hum: 1 })).body).toMatchObject({ outputs: [{ data: [21.5] }] });

  const back = await stack.perennial(['rollback', '--model', 'back', '--reason', 'answers are off', '--yes']);
  expect(back.code, back.stderr).toBe(0);
  expect(await championOf('back')).toBe(1);
  expect((await infer('back', { temp: 10, hum: 1 })).body).toMatchObject({ outputs: [{ data: [21] }] });
  expect((await deployments('back')).hold).toMatch(/answers are off/);

  const nothing = await stack.perennial(['rollback', '--model', 'back', '--reason', 'further', '--yes']);
  expect(nothing.code).toBe(1);
  expect(nothing.stderr).toMatch(/no release before/);

  const resumed = await stack.perennial(['resume', '--model', 'back', '--reason', 'mended']);
  expect(resumed.code, resumed.stderr).toBe(0);
  await until('the hold is lifted', async () => (await deployments('back')).hold === null);
  const ledger = await stack.get(
    z.object({ items: z.array(z.object({ kind: z.string(), reason: z.string() }).loose()) }).loose(),
    '/v1/ledger?model=back&limit=200',
  );
  const kinds = ledger.items.map(({ kind }) => kind);
  for (const kind of ['rollback.ordered', 'promotion.held', 'promotion.resumed']) expect(kinds).toContain(kind);
});

test('a canary that fails its requests is undone automatically, and the reason has value and threshold', async () => {
  const model = await candidate(
    'canary',
    (configuration) => ({
      ...configuration,
      data: { ...configuration.data, features: ['temp'] },
      build: { ...configuration.build, gates: [{ metric: 'rmse', max: 1000 }] },
      deploy: {
        ...configuration.deploy,
        strategy: { canary: [50, 100], bake: '2s', minRequests: 1, abortOn: { errorRate: 0.1 } },
      },
    }),
    linearModel({ features: ['temp'], weights: [2], bias: 0 }),
  );
  expect(await deploy('canary', 1)).toMatchObject({ outcome: { decision: 'promoted' } });

  await code(model, logarithmModel());
  await apply(model);
  await build('canary');
  const { runId, approval } = await askFor('canary', 2);
  await vote(approval, 'approver');
  await until('the canary is up', async () => {
    const { generation } = await deployments('canary');
    return generation?.slots.some((slot) => slot.role === 'canary');
  });
  // A negative number has no logarithm, so every request that reaches the canary fails.
  await until('the canary has failed', async () => {
    await infer('canary', { temp: -1 });
    const run = await stack.get(Run, `/v1/runs/${runId}`);
    return run.state !== 'running';
  });
  const run = await outcomeOf(runId);
  expect(run).toMatchObject({ state: 'succeeded', outcome: { decision: 'aborted' } });
  if (run.state === 'succeeded' && run.outcome.kind === 'deploy')
    expect(run.outcome.reasons[0]).toMatch(/error rate .* is above 0\.1/);
  expect(await championOf('canary')).toBe(1);
  expect((await infer('canary', { temp: -1 })).status).toBe(200);
});

test('a canary with too few requests is undone or promoted, as onInsufficient says', async () => {
  const when = (onInsufficient: 'abort' | 'proceed') => (configuration: ConfigurationInput) => ({
    ...configuration,
    deploy: {
      ...configuration.deploy,
      strategy: { canary: [50, 100], bake: '1s', minRequests: 3, onInsufficient },
    },
  });
  const model = await candidate('few', when('abort'));
  expect(await deploy('few', 1)).toMatchObject({ outcome: { decision: 'promoted' } });
  await code(model, linearModel({ features: ['temp', 'hum'], weights: [2, 1], bias: 0.5 }));
  await apply(model);
  await build('few');
  expect(await deploy('few', 2)).toMatchObject({
    outcome: { decision: 'aborted', reasons: ['0 of 3 requests have reached the canary'] },
  });
  expect(await championOf('few')).toBe(1);

  await model.configure(when('proceed'));
  await apply(model);
  await build('few');
  expect(await deploy('few', 2)).toMatchObject({ outcome: { decision: 'promoted' } });
  expect(await championOf('few')).toBe(2);
});

test('the gateway keeps serving while Postgres, Temporal and the API are down, and loses no prediction', async () => {
  await candidate('alone');
  await deploy('alone', 1);
  const away = await Promise.all(['postgres', 'temporal', 'api'].map((part) => stack.pidOf(part)));
  const stopped = away.filter((pid) => pid !== undefined);
  expect(stopped).toHaveLength(3);
  const ids: unknown[] = [];
  for (const pid of stopped) process.kill(-pid, 'SIGSTOP');
  try {
    for (let i = 0; i < 20; i += 1) {
      const { status, body } = await infer('alone', { temp: i, hum: 0 });
      expect(status).toBe(200);
      ids.push(
        z
          .object({ parameters: z.object({ prediction_id: z.string() }).loose() })
          .loose()
          .parse(body).parameters.prediction_id,
      );
    }
  } finally {
    for (const pid of stopped) process.kill(-pid, 'SIGCONT');
  }
  expect(new Set(ids).size).toBe(20);
  await until('the API answers again', async () => (await fetch(`${stack.api}/readyz`)).ok);
  const report = await stack.json(z.object({ body: z.object({ predictions: z.number() }).loose() }).loose(), [
    'monitor',
    '--model',
    'alone',
    '--window',
    '1 day',
  ]);
  expect(report.body.predictions).toBeGreaterThanOrEqual(20);
});
