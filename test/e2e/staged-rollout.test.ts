import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { Approval } from '../../contracts/serving/approval.ts';
import { Evidence } from '../../contracts/serving/approval-evidence.ts';
import { Generation } from '../../contracts/serving/deployment.ts';
import { Run } from '../../contracts/runs/run.ts';
import type { EmbeddedStack } from '../support/embedded-stack.ts';
import { until } from '../support/until.ts';
import { startStackOfRun } from '../support/stack-of-run.ts';
import { linearModel } from '../support/onnx-models.ts';
import type { TinyModel } from '../support/tiny-model.ts';
import { tinyModel } from '../support/tiny-model.ts';

// One model on its way from staging to production, through the whole stack: two approvers, a shadow, and a canary that
// is stopped.

const name = 'steps';
const here = ['--model', name];
const asOf = '2026-01-11T00:00:00Z';
const Deployments = z.object({ generation: Generation.nullable(), history: z.array(Generation) }).loose();

let stack: EmbeddedStack;
let model: TinyModel;
let asked = 0;

beforeAll(async () => {
  stack = await startStackOfRun();
  model = await tinyModel(name, (configuration) => ({
    ...configuration,
    build: { ...configuration.build, gates: [{ metric: 'rmse', max: 1000 }] },
    deploy: {
      strategy: {
        shadow: { bake: '1s', minRows: 10, tolerance: 2 },
        canary: [50, 100],
        bake: '1s',
        minRequests: 20,
        abortOn: { metric: { name: 'rmse', max: 10, minLabels: 5 } },
      },
    },
  }));
});
afterAll(async () => {
  await stack?.end();
  await model?.remove();
});

/** Builds a version whose predictions are too high by `bias`. */
async function build(bias: number, environment: string): Promise<void> {
  await model.code('cp model.onnx "$PERENNIAL_OUTPUT/"', {
    'model.onnx': linearModel({ features: ['temp', 'hum'], weights: [2, 1], bias }),
  });
  await stack.json(z.unknown(), ['apply', '-f', model.file, '--environment', environment]);
  await stack.json(z.unknown(), ['data', 'ingest', '-f', model.file, '--environment', environment]);
  const built = ['build', ...here, '--environment', environment, '--as-of', asOf];
  expect(await stack.json(z.object({ decision: z.string() }).loose(), built)).toMatchObject({ decision: 'candidate' });
}

async function askFor(body: object, environment: string) {
  const path = `/v1/models/${name}/deployments?environment=${environment}`;
  const started = await stack.request('POST', path, body, 'operator');
  expect(started, JSON.stringify(started.body)).toMatchObject({ status: 202 });
  const { run } = z.object({ run: Run }).loose().parse(started.body);
  const approvalId = await until('the deployment asks for approval', async () => {
    const now = await stack.get(Run, `/v1/runs/${run.id}`);
    return now.state === 'awaiting-approval' && now.approvalId;
  });
  return { runId: run.id, approval: await stack.get(Approval, `/v1/approvals/${approvalId}`) };
}

async function approve({ id, digest }: Approval, as: 'approver' | 'admin'): Promise<void> {
  const body = { decision: 'approve', digest };
  expect((await stack.request('POST', `/v1/approvals/${id}/votes`, body, as)).status).toBe(200);
}

async function ended(runId: string, meanwhile: () => Promise<void> = async () => {}) {
  const run = await until('the run is over', async () => {
    await meanwhile();
    const now = await stack.get(Run, `/v1/runs/${runId}`);
    return now.state === 'succeeded' && now;
  });
  if (run.state !== 'succeeded' || run.outcome.kind !== 'deploy') throw new Error('it is no deployment');
  return run.outcome;
}

/** Sends one request, and then the label for it. */
async function serveRow(environment: string): Promise<void> {
  const id = `row-${(asked += 1)}`;
  const temp = asked % 24;
  const input = (feature: string, value: number) => ({ name: feature, datatype: 'FP32', shape: [1], data: [value] });
  const answer = await fetch(`${stack.gateway}/v2/models/${name}/infer`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${stack.keys.operator}`,
      'content-type': 'application/json',
      'perennial-environment': environment,
    },
    body: JSON.stringify({ parameters: { prediction_ids: [id] }, inputs: [input('temp', temp), input('hum', 1)] }),
  });
  expect(answer.status).toBe(200);
  const labels = `/v1/models/${name}/labels?environment=${environment}`;
  const told = await stack.request('POST', labels, [{ id, value: 2 * temp + 1 }], 'operator');
  expect(told, JSON.stringify(told.body)).toMatchObject({ status: 200 });
}

/** Sends several requests at once, while a rollout waits for traffic. */
async function serveRows(environment: string): Promise<void> {
  await Promise.all(Array.from({ length: 5 }, () => serveRow(environment)));
}

test("the environment's minimum policy requires two votes, whatever the model's policy, and both voters see the evidence", async () => {
  const minimumPolicy = { votes: 2, roles: ['approver'], requesterMayVote: false, expires: '24h' };
  await build(0, 'staging');
  const put = await stack.request('PUT', '/v1/environments/staging', { minimumPolicy }, 'admin');
  expect(put.status).toBe(200);
  const { runId, approval } = await askFor({ version: 1 }, 'staging');
  expect(approval.subject.policy).toMatchObject({ votes: 2, expires: '24h' });
  await approve(approval, 'approver');
  expect(await stack.get(Run, `/v1/runs/${runId}`)).toMatchObject({ state: 'awaiting-approval' });
  await approve(approval, 'admin');
  expect(await ended(runId)).toMatchObject({ decision: 'promoted' });

  const evidence = await stack.get(Evidence, `/v1/approvals/${approval.id}/evidence`);
  expect(evidence).toMatchObject({
    missing: [],
    changedRows: null,
    lineage: { dataset: { number: 1 }, code: { number: 1, recordedBy: 'operator' } },
  });
});

test('the release of staging is promoted to production unchanged', async () => {
  await stack.json(z.unknown(), ['apply', '-f', model.file, '--environment', 'production']);
  const promoting = stack.perennial(['promote', ...here, '--from', 'staging', '--yes', '--detach', '--json']);
  const { code, stdout, stderr } = await promoting;
  expect(code, stderr).toBe(0);
  const run = Run.parse(JSON.parse(stdout));
  if (run.state !== 'awaiting-approval') throw new Error(`the run is ${run.state}`);
  await approve(await stack.get(Approval, `/v1/approvals/${run.approvalId}`), 'approver');
  const { releaseDigest } = await ended(run.id);
  const staging = await stack.get(Deployments, `/v1/models/${name}/deployments?environment=staging`);
  expect(staging.generation?.slots.map((slot) => slot.releaseDigest)).toEqual([releaseDigest]);
});

test('a shadow is compared, a canary serves its share, and the promotion states the measurements', async () => {
  await build(3, 'staging');
  const { runId, approval } = await askFor({ version: 2 }, 'staging');
  const file = join(model.folder, 'evidence.html');
  const shown = await stack.perennial(['approvals', 'show', approval.id, '--html', file]);
  expect(shown.code, shown.stderr).toBe(0);
  const page = await readFile(file, 'utf8');
  expect(page).toContain('steps in staging: version 2, in place of version 1');
  const evidence = await stack.get(Evidence, `/v1/approvals/${approval.id}/evidence`);
  expect(evidence.changedRows).toMatchObject({ kind: 'difference', compared: 48, changed: 48, meanDifference: 3 });
  expect(evidence.code?.files).toMatchObject([{ path: 'model.onnx', change: 'changed' }]);
  await approve(approval, 'approver');
  await approve(approval, 'admin');
  const outcome = await ended(runId, () => serveRows('staging'));
  expect(outcome).toMatchObject({ decision: 'promoted' });
  expect(outcome.reasons[0]).toMatch(
    /^the shadow was compared on \d+ rows: mean absolute difference 3\.000, 100\.0 % differ by more than 2, 0 failed/,
  );
  const { history } = await stack.get(Deployments, `/v1/models/${name}/deployments?environment=staging`);
  expect(history.map(({ change }) => change)).toEqual(['promote', 'canary', 'shadow', 'first']);
});

test('a canary whose labels prove it wrong during its bake is undone, and the reason has value and threshold', async () => {
  await build(50, 'staging');
  const { runId, approval } = await askFor({ version: 3 }, 'staging');
  await approve(approval, 'approver');
  await approve(approval, 'admin');
  const outcome = await ended(runId, () => serveRows('staging'));
  expect(outcome).toMatchObject({ decision: 'aborted' });
  expect(outcome.reasons[0]).toMatch(/^rmse 50\.0000 of the canary is above 10 \(\d+ labelled answers\)$/);
  const { generation } = await stack.get(Deployments, `/v1/models/${name}/deployments?environment=staging`);
  expect(generation?.slots).toMatchObject([{ role: 'champion', modelVersionNumber: 2, weight: 100 }]);
});

test('a rollback moves the code head back too, and the next build uses that code', async () => {
  const back = await stack.perennial([
    'rollback',
    ...here,
    '--environment',
    'staging',
    '--with',
    'code,data',
    '--reason',
    'it answers too much',
    '--yes',
  ]);
  expect(back.code, back.stderr).toBe(0);
  const { environment } = await stack.get(
    z.object({ environment: z.object({ codeVersionId: z.string() }).loose() }).loose(),
    `/v1/models/${name}?environment=staging`,
  );
  const first = await stack.get(z.object({ id: z.string() }).loose(), `/v1/models/${name}/code/1`);
  expect(environment.codeVersionId).toBe(first.id);
  const rebuilt = ['build', ...here, '--environment', 'staging', '--as-of', asOf];
  // The same code on the same rows gives the champion again.
  expect(await stack.json(z.object({ decision: z.string() }).loose(), rebuilt)).toMatchObject({
    decision: 'unchanged',
  });
});
