import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { Approval } from '../../contracts/serving/approval.ts';
import { Evidence } from '../../contracts/serving/approval-evidence.ts';
import type { ConfigurationInput } from '../../contracts/configuration/configuration.ts';
import { Evaluation } from '../../contracts/models/evaluation.ts';
import { Run } from '../../contracts/runs/run.ts';
import type { EmbeddedStack } from '../support/embedded-stack.ts';
import { until } from '../support/until.ts';
import { linearModel } from '../support/onnx-models.ts';
import { startStackOfRun } from '../support/stack-of-run.ts';
import type { TinyModel } from '../support/tiny-model.ts';
import { tinyModel, tinyRows } from '../support/tiny-model.ts';

// Each test makes several deployments, each with a bake, which is slow on a small machine.
vi.setConfig({ testTimeout: 150_000 });

// Which champion a deployment is compared with, through the whole stack: the one that serves at the request, and the
// one that serves at the rollout.

type Configure = (configuration: ConfigurationInput) => ConfigurationInput;
const asOf = '2026-01-11T00:00:00Z';
const better: Configure = (configuration) => ({
  ...configuration,
  build: {
    ...configuration.build,
    block: '1h',
    gates: [
      { metric: 'rmse', max: 1000 },
      { metric: 'rmse', versus: 'champion', minGain: 0, confidence: 0.5 },
    ],
  },
});
const Versions = z.object({ evaluation: Evaluation.nullable() }).loose();
const Approvals = z.object({ items: z.array(z.object({ runId: z.string() }).loose()) }).loose();
const Deployments = z
  .object({ generation: z.object({ slots: z.array(z.object({ modelVersionNumber: z.number() }).loose()) }).loose() })
  .loose();

let stack: EmbeddedStack;
const models: TinyModel[] = [];
beforeAll(async () => {
  stack = await startStackOfRun();
});
afterAll(async () => {
  await stack?.end();
  for (const model of models) await model.remove();
});

/** Models with a constant error in every prediction. Builds select a model by its name, such as `off-1`. */
const offs = [0.1, 0.5, 1, 2, 3];
const nameOf = (off: number) => `off-${String(off).replace('.', '-')}`;

async function prepared(name: string, changes: Configure, environments = ['production']): Promise<TinyModel> {
  const model = await tinyModel(name, changes);
  models.push(model);
  const files = offs.map((off) => {
    const onnx = linearModel({ features: ['temp', 'hum'], weights: [2, 1], bias: off });
    return [`${nameOf(off)}.onnx`, onnx] as const;
  });
  const script = 'cp "$(grep -o \'off-[0-9-]*\' "$PERENNIAL_PARAMS").onnx" "$PERENNIAL_OUTPUT/model.onnx"';
  await model.code(script, Object.fromEntries(files));
  for (const environment of environments) {
    await stack.json(z.unknown(), ['apply', '-f', model.file, '-e', environment]);
    await stack.json(z.unknown(), ['data', 'ingest', '-f', model.file, '-e', environment]);
  }
  return model;
}

/** Builds a version. A different `remark` makes another version with the same artifact. */
async function build(name: string, off: number, environment = 'production', remark = '', upTo = asOf): Promise<void> {
  const path = `/v1/models/${name}/builds?environment=${environment}`;
  const id = await started(path, { asOf: upTo, params: { off: nameOf(off), remark } });
  expect(await endOf(id)).toMatchObject({ state: 'succeeded', outcome: { decision: 'candidate' } });
}

function start(name: string, body: object, environment = 'production'): Promise<string> {
  return started(`/v1/models/${name}/deployments?environment=${environment}`, body);
}

async function started(path: string, body: object): Promise<string> {
  const { status, body: answer } = await stack.request('POST', path, body);
  expect(status, JSON.stringify(answer)).toBe(202);
  return z
    .object({ run: z.object({ id: z.string() }).loose() })
    .loose()
    .parse(answer).run.id;
}

const runOf = (id: string) => stack.get(Run, `/v1/runs/${id}`);

function endOf(id: string): Promise<z.infer<typeof Run>> {
  return until('the run is over', async () => {
    const run = await runOf(id);
    return (run.state === 'succeeded' || run.state === 'failed' || run.state === 'cancelled') && run;
  });
}

/** Waits for the pending approval request of the run, and skips the request `before` if it is given. */
async function requestOf(id: string, before?: string): Promise<z.infer<typeof Approval>> {
  const approvalId = await until('the deployment asks', async () => {
    const run = await runOf(id);
    if (run.state === 'succeeded' || run.state === 'failed') throw new Error(`it ended: ${JSON.stringify(run)}`);
    return run.state === 'awaiting-approval' && run.approvalId !== before && run.approvalId;
  });
  return stack.get(Approval, `/v1/approvals/${approvalId}`);
}

async function approve({ id, digest }: z.infer<typeof Approval>, comment = ''): Promise<void> {
  const vote = { decision: 'approve', digest, comment };
  expect((await stack.request('POST', `/v1/approvals/${id}/votes`, vote, 'approver')).status).toBe(200);
}

async function deployed(name: string, body: object, environment = 'production') {
  const id = await start(name, body, environment);
  const approval = await requestOf(id);
  await approve(approval);
  expect(await endOf(id)).toMatchObject({ state: 'succeeded', outcome: { decision: 'promoted' } });
  return approval;
}

const serving = async (name: string, environment = 'production') =>
  (await stack.get(Deployments, `/v1/models/${name}/deployments?environment=${environment}`)).generation.slots.map(
    ({ modelVersionNumber }) => modelVersionNumber,
  );

async function infer(name: string): Promise<void> {
  const input = (column: string) => ({ name: column, datatype: 'FP32', shape: [1], data: [1] });
  await fetch(`${stack.gateway}/v2/models/${name}/infer`, {
    method: 'POST',
    headers: { authorization: `Bearer ${stack.keys.operator}`, 'content-type': 'application/json' },
    body: JSON.stringify({ inputs: [input('temp'), input('hum')] }),
  });
}

test('a version that was built before the first deployment is evaluated against the serving champion when it is deployed', async () => {
  await prepared('early', better);
  for (const off of [3, 0.1, 1]) await build('early', off);
  const first = await deployed('early', { version: 2 });
  expect(first.evidence).toMatchObject({ championVersion: null, evaluation: { champion: null, gain: null } });
  expect(first.warnings.map(({ code }) => code)).toEqual(['few-rows', 'no-canary']);

  const refused = await endOf(await start('early', { version: 3 }));
  expect(refused).toMatchObject({
    state: 'succeeded',
    outcome: { decision: 'refused', releaseId: null, reasons: ['no gain over the champion'] },
  });
  expect(await serving('early')).toEqual([2]);
  const two = await stack.get(Versions.extend({ id: z.string() }), '/v1/models/early/versions/2');
  const three = await stack.get(Versions, '/v1/models/early/versions/3');
  expect(three.evaluation).toMatchObject({
    championVersionId: two.id,
    runId: refused.id,
    body: {
      verdict: 'rejected',
      champion: { rmse: expect.closeTo(0.1, 3) },
      challenger: { rmse: expect.closeTo(1, 3) },
    },
  });
  const ended = await stack.get(
    z.object({ items: z.array(z.object({ subject: z.object({ decision: z.string() }).loose() }).loose()) }).loose(),
    '/v1/ledger?model=early&kind=deployment.ended&limit=1',
  );
  expect(ended.items[0]?.subject).toMatchObject({ decision: 'refused', reasons: ['no gain over the champion'] });
  const worst = await stack.perennial(['deploy', '1', '-m', 'early', '--yes']);
  expect(worst.code).toBe(1);
  expect(worst.stderr).toMatch(/version 1 was not promoted: refused: no gain over the champion/);

  // The champion has no gain over itself, but that must not be the reason for the refusal.
  expect(await endOf(await start('early', { version: 2 }))).toMatchObject({
    state: 'failed',
    failure: { code: 'conflict', message: expect.stringMatching(/already serves in production/) },
  });
});

test('the newest candidate waits for the slot, is evaluated against the new champion, and is requested again', async () => {
  const strategy = { canary: [50, 100], bake: '1s', minRequests: 1 };
  await prepared('queue', (configuration) => ({
    ...better(configuration),
    deploy: { ...configuration.deploy, strategy },
  }));
  await build('queue', 3);
  await deployed('queue', { version: 1 });
  for (const off of [1, 0.5, 2]) await build('queue', off);

  const second = await start('queue', { version: 2 });
  await approve(await requestOf(second));
  await until('the canary is up', async () => (await serving('queue')).length === 2);
  const third = await start('queue', { version: 3 });
  const earlier = await requestOf(third);
  expect(earlier).toMatchObject({ replaces: null, evidence: { championVersion: 1 } });
  await approve(earlier, 'better than version 1');
  const waitsForSlot = async (id: string) =>
    (await runOf(id)).steps.some(({ name, state }) => name === 'beginRollout' && state === 'succeeded');
  await until('it waits for the slot', () => waitsForSlot(third));
  // It is better than the first version, which it is approved to replace, and worse than the second.
  const fourth = await start('queue', { version: 4 });
  await approve(await requestOf(fourth));
  await until('both wait for the slot', () => waitsForSlot(fourth));
  await until('the second is promoted', async () => {
    await infer('queue');
    return (await runOf(second)).state === 'succeeded';
  });

  const again = await requestOf(third, earlier.id);
  expect(again).toMatchObject({
    status: 'pending',
    replaces: earlier.id,
    votes: [],
    earlierVotes: [{ principalName: 'approver', decision: 'approve', comment: 'better than version 1' }],
    evidence: { championVersion: 2, evaluation: { champion: { rmse: expect.closeTo(1, 3) } } },
  });
  expect(again.digest).not.toBe(earlier.digest);
  expect((await stack.get(Approval, `/v1/approvals/${earlier.id}`)).status).toBe('superseded');
  const shown = await stack.perennial(['approvals', 'show', again.id]);
  expect(shown.stdout).toMatch(
    /approval was requested again, because the champion has changed.*\n +approver: approve, "better than version 1"/,
  );
  const page = await fetch(`${stack.api}/v1/approvals/${again.id}/evidence.html`, {
    headers: { authorization: `Bearer ${stack.keys.operator}` },
  });
  expect(await page.text()).toMatch(/Earlier votes[^]*better than version 1/);

  await approve(again);
  await until('the third is promoted', async () => {
    await infer('queue');
    return (await runOf(third)).state === 'succeeded';
  });
  expect(await runOf(third)).toMatchObject({ outcome: { decision: 'promoted' } });
  expect(await serving('queue')).toEqual([3]);
  expect(await endOf(fourth)).toMatchObject({
    outcome: { decision: 'refused', reasons: ['no gain over the champion'], releaseDigest: expect.any(String) },
  });
});

test('a deployment without votes continues by itself against the next champion, and deploy --detach detaches', async () => {
  const strategy = { canary: [50, 100], bake: '1s', minRequests: 1 };
  const approval = { votes: 0, roles: ['approver' as const], requesterMayVote: false, expires: '72h' };
  await prepared('unasked', (configuration) => ({
    ...better(configuration),
    deploy: { ...configuration.deploy, strategy, approval },
  }));
  await build('unasked', 3);
  expect(await endOf(await start('unasked', { version: 1 }))).toMatchObject({ outcome: { decision: 'promoted' } });
  for (const off of [1, 0.5]) await build('unasked', off);
  const detached = await stack.perennial(['deploy', '2', '-m', 'unasked', '--yes', '--detach', '--json']);
  expect(detached.code, detached.stderr).toBe(0);
  const second = Run.parse(JSON.parse(detached.stdout));
  expect(second.state).toBe('running');
  expect(detached.stderr).toMatch(/continues; its approval .* is approved/);
  await until('the canary is up', async () => (await serving('unasked')).length === 2);
  const third = await start('unasked', { version: 3 });
  // No request reaches the canary until the third deployment is approved too, so the third one waits for the slot.
  await until('the third is approved', async () => {
    const { items } = await stack.get(Approvals, '/v1/approvals?model=unasked&status=approved');
    return items.some(({ runId }) => runId === third);
  });
  await until('the third is promoted', async () => {
    await infer('unasked');
    return (await runOf(third)).state === 'succeeded';
  });
  expect(await runOf(third)).toMatchObject({ outcome: { decision: 'promoted' } });
  expect(await serving('unasked')).toEqual([3]);
});

test('a version that is promoted to another environment is evaluated against the champion of that environment', async () => {
  await prepared('places', better, ['staging', 'production']);
  await build('places', 1, 'staging');
  await build('places', 0.5);
  await deployed('places', { version: 1 }, 'staging');
  await deployed('places', { version: 2 });
  const staged = await stack.get(
    z
      .object({ generation: z.object({ slots: z.array(z.object({ releaseDigest: z.string() }).loose()) }).loose() })
      .loose(),
    '/v1/models/places/deployments?environment=staging',
  );
  const release = staged.generation.slots[0]?.releaseDigest;
  expect(await endOf(await start('places', { release }))).toMatchObject({
    outcome: { decision: 'refused', reasons: ['no gain over the champion'] },
  });
  await build('places', 0.1, 'staging');
  const promoted = await deployed('places', { version: 3 }, 'staging');
  expect(promoted.evidence).toMatchObject({
    championVersion: 1,
    evaluation: { champion: { rmse: expect.closeTo(1, 3) } },
  });
  const here = await deployed('places', { release: promoted.subject.release });
  expect(here.evidence).toMatchObject({
    championVersion: 2,
    evaluation: { champion: { rmse: expect.closeTo(0.5, 3) } },
  });
});

test('evidence has the metrics of the champion it names, and a request lists its warnings first: an earlier rollback, shifted data, no canary', async () => {
  const model = await prepared('warned', (configuration) => configuration);
  await build('warned', 3);
  await deployed('warned', { version: 1 });
  await build('warned', 0.5, 'production', 'second');
  await build('warned', 0.5, 'production', 'third');
  const second = await deployed('warned', { version: 2 });
  expect(second.evidence).toMatchObject({
    championVersion: 1,
    evaluation: { champion: { rmse: expect.closeTo(3, 3) }, gain: expect.closeTo(1 - 0.5 / 3, 3) },
  });
  const third = await requestOf(await start('warned', { version: 3 }));
  expect(third.evidence).toMatchObject({ championVersion: 2, evaluation: { gain: 0 } });
  const { evaluation } = third.evidence;
  expect(evaluation.championVersionDigest).toBe(evaluation.modelVersionDigest);
  expect(evaluation.champion).toEqual(evaluation.challenger);

  const back = await stack.perennial(['rollback', '-m', 'warned', '--reason', 'answers are off', '--yes']);
  expect(back.code, back.stderr).toBe(0);
  const again = await requestOf(await start('warned', { version: 2 }));
  expect(again.warnings).toMatchObject([
    {
      code: 'rolled-back',
      message: expect.stringMatching(/^version 2 was rolled back in production at .* by operator: answers are off$/),
    },
    { code: 'few-rows' },
    { code: 'no-canary', message: expect.stringContaining('all requests at once') },
  ]);

  // The unit of the values changes on the ninth day.
  const [head, ...rows] = tinyRows(240, 300).trim().split('\n');
  const inAnotherUnit = rows.map((row) =>
    row.replace(/^([^,]*,[^,]*),([^,]*)/, (_, before, temp) => `${before},${Number(temp) * 1000}`),
  );
  await model.data([head, ...inAnotherUnit, ''].join('\n'));
  await stack.json(z.unknown(), ['data', 'ingest', '-f', model.file]);
  await model.configure((configuration) => ({ ...configuration, build: { holdout: { last: '2 days' }, gates: [] } }));
  await stack.json(z.unknown(), ['apply', '-f', model.file]);
  await build('warned', 0.5, 'production', 'shifted', '2026-01-13T12:00:00Z');
  const moved = await requestOf(await start('warned', { version: 4 }));
  expect(moved.warnings[0]).toMatchObject({ code: 'data-moved', column: 'temp' });
  expect(moved.warnings[0]?.message).toMatch(/^temp moved by [\d.]+ standard deviations: its mean is/);
  const evidence = await stack.get(Evidence, `/v1/approvals/${moved.id}/evidence`);
  expect(evidence.warnings).toEqual(moved.warnings);
  const { stdout } = await stack.perennial(['approvals', 'show', moved.id]);
  expect(stdout).toMatch(/^.*version 1 → version 4\nwarning: temp moved by [\d.]+ standard deviations/);
  expect(stdout).not.toMatch(/bake 1s|canary 100/);
  const asked = await stack.perennial(['deploy', '4', '-m', 'warned', '--yes', '--detach']);
  expect(asked.stderr).toMatch(/warning: temp moved by [\d.]+ standard deviations[^]*waits for approval/);
});

test('a champion that needs a column which the new version lacks is still evaluated', async () => {
  const model = await prepared('columns', (configuration) => configuration);
  await build('columns', 1);
  await model.configure((configuration) => ({
    ...configuration,
    data: { ...configuration.data, features: ['temp'] },
  }));
  const onnx = linearModel({ features: ['temp'], weights: [2], bias: 3 });
  await model.code('cp model.onnx "$PERENNIAL_OUTPUT/"', { 'model.onnx': onnx });
  await stack.json(z.unknown(), ['apply', '-f', model.file]);
  await build('columns', 2);
  await deployed('columns', { version: 1 });
  const asked = await requestOf(await start('columns', { version: 2 }));
  expect(asked.evidence).toMatchObject({
    championVersion: 1,
    evaluation: { champion: { rmse: expect.closeTo(1, 3), rows: 48 }, challenger: { rows: 48 } },
  });
  // A build against such a champion is evaluated in the same way.
  await build('columns', 3);
});

test('the deployment of a refit evaluates its original version again, and the request names that version', async () => {
  await prepared('refits', (configuration) => ({
    ...configuration,
    build: { ...configuration.build, refit: true },
  }));
  // Versions 1 and 3 are evaluated; versions 2 and 4 are their refits.
  for (const off of [1, 0.5]) await build('refits', off);
  await deployed('refits', { version: 2 });
  const asked = await requestOf(await start('refits', { version: 4 }));
  const { evaluation } = asked.evidence;
  expect(asked.evidence.championVersion).toBe(2);
  // The champion was trained on the holdout rows, so its metrics would be too good.
  expect(evaluation).toMatchObject({ cites: { modelVersion: 3 }, champion: null, gain: null });
  const { artifact } = await stack.get(z.object({ artifact: z.string() }).loose(), '/v1/models/refits/versions/2');
  expect(evaluation.championVersionDigest).toBe(artifact);
  expect(asked.warnings.map(({ code }) => code)).toContain('refit');
});
