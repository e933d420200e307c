import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import type { ConfigurationInput } from '../../contracts/configuration/configuration.ts';
import { isFinal, Run, type RunStateName } from '../../contracts/runs/run.ts';
import type { EmbeddedStack } from '../support/embedded-stack.ts';
import { startEmbeddedStack } from '../support/embedded-stack.ts';
import { linearModel } from '../support/onnx-models.ts';
import { temporalCli } from '../support/temporal-of-tests.ts';
import type { TinyModel } from '../support/tiny-model.ts';
import { tinyModel } from '../support/tiny-model.ts';
import { until } from '../support/until.ts';
import type { Checkout } from './version-before.ts';
import { checkOutVersionBefore } from './version-before.ts';

// A stack of the version before is stopped in the middle of a build, a waiting approval and a baking canary. This
// version starts with its state and brings all three to a good end.

const asOf = '2026-01-11T00:00:00Z';
const trainSeconds = 15;
const bake = '30s';

let before: Checkout;
const models: TinyModel[] = [];
beforeAll(async () => {
  before = await checkOutVersionBefore();
});
afterAll(async () => {
  await before?.remove();
  for (const model of models) await model.remove();
});

test.concurrent.each([
  ['without a build id', undefined],
  ['with a build id', { old: 'old-build', current: 'new-build' }],
] as const)(
  'a build, an approval and a canary that are under way end well on the new version, %s',
  { timeout: 400_000 },
  async (name, builds) => {
    const buildId = (id: string | undefined): Record<string, string> =>
      id === undefined ? {} : { PERENNIAL_BUILD_ID: id };
    const old = await startEmbeddedStack(buildId(builds?.old), undefined, before.folder);
    try {
      if (builds !== undefined) await makeCurrent(old, builds.old);
      const underWay = await beginOn(old, name.replaceAll(' ', '-'));
      const executions = await executionsOf(old, underWay);
      expect(await statesOf(old, underWay)).toEqual(['running', 'awaiting-approval', 'running']);
      await old.stop();

      const stack = await startEmbeddedStack({ ...buildId(builds?.current), PERENNIAL_HOME: old.home });
      try {
        if (builds !== undefined) await makeCurrent(stack, builds.current);
        const { build, waiting, baking } = underWay;
        const { approvalId } = await inState(stack, waiting, 'awaiting-approval');
        await stack.json(z.unknown(), ['approve', approvalId, '--yes']);
        const ended = [];
        for (const runId of [build, waiting, baking]) ended.push(await inState(stack, runId, 'succeeded', 150_000));
        expect(ended.map(({ outcome }) => outcome)).toMatchObject([
          { kind: 'build', decision: 'candidate' },
          { kind: 'deploy', decision: 'promoted' },
          { kind: 'deploy', decision: 'promoted' },
        ]);
        // A run whose execution cannot be replayed ends well too, but in another chain of executions.
        expect(await executionsOf(stack, underWay)).toEqual(executions);
      } finally {
        await stack.stop();
      }
    } finally {
      await old.stop();
      await rm(old.home, { recursive: true, force: true });
    }
  },
);

interface UnderWay {
  readonly build: string;
  readonly waiting: string;
  readonly baking: string;
}

/** Returns the ids of a build that trains, a deployment that waits for approval and one whose canary bakes. */
async function beginOn(stack: EmbeddedStack, suffix: string): Promise<UnderWay> {
  const [built, waited, baked] = await Promise.all([
    applied(stack, `builds-${suffix}`),
    applied(stack, `waits-${suffix}`),
    applied(stack, `bakes-${suffix}`, { deploy: { strategy: { canary: [50, 100], bake, minRequests: 0 } } }),
  ]);
  for (const { name } of [waited, baked])
    await inState(stack, await begin(stack, name, 'builds', { asOf }), 'succeeded');
  await deployAndApprove(stack, baked.name, 1);
  const weights = [2, 1];
  await baked.model.code('cp model.onnx "$PERENNIAL_OUTPUT/"', {
    'model.onnx': linearModel({ features: ['temp', 'hum'], weights, bias: 0.5 }),
  });
  await perennial(stack, 'apply', '-f', baked.model.file);
  await inState(stack, await begin(stack, baked.name, 'builds', { asOf }), 'succeeded');
  await built.model.code(`sleep ${trainSeconds}; cp model.onnx "$PERENNIAL_OUTPUT/"`, {
    'model.onnx': linearModel({ features: ['temp', 'hum'], weights, bias: 0.25 }),
  });
  await perennial(stack, 'apply', '-f', built.model.file);

  const waiting = await begin(stack, waited.name, 'deployments', { version: 1 });
  await inState(stack, waiting, 'awaiting-approval');
  const baking = await begin(stack, baked.name, 'deployments', { version: 2 });
  await approve(stack, baking);
  await until('the canary bakes', async () => (await stepsOf(stack, baking)).includes('judgeCanary'));
  const build = await begin(stack, built.name, 'builds', { asOf });
  await until('the build trains', async () => (await stepsOf(stack, build)).includes('trainModel'));
  return { build, waiting, baking };
}

async function applied(stack: EmbeddedStack, name: string, changes: Partial<ConfigurationInput> = {}) {
  const model = await tinyModel(name, (configuration) => ({ ...configuration, ...changes }));
  models.push(model);
  await perennial(stack, 'apply', '-f', model.file);
  await perennial(stack, 'data', 'ingest', '-f', model.file);
  return { name, model };
}

/** Runs the command line of the version before. */
async function perennial(stack: EmbeddedStack, ...args: readonly string[]): Promise<void> {
  const env = { ...process.env, PERENNIAL_HOME: stack.home };
  await promisify(execFile)(process.execPath, [join(before.folder, 'cli/main.ts'), ...args], { env });
}

/** Sends a request without checking the response against today's API, because the version before may answer. */
async function ask(stack: EmbeddedStack, method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown> {
  const response = await fetch(`${stack.api}${path}`, {
    method,
    headers: { authorization: `Bearer ${stack.keys.operator}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${method} ${path}: HTTP ${response.status}: ${await response.text()}`);
  return response.json();
}

async function begin(stack: EmbeddedStack, model: string, what: 'builds' | 'deployments', body: unknown) {
  const Begun = z.object({ run: z.object({ id: z.string() }).loose() }).loose();
  return Begun.parse(await ask(stack, 'POST', `/v1/models/${model}/${what}`, body)).run.id;
}

async function deployAndApprove(stack: EmbeddedStack, model: string, version: number): Promise<void> {
  const runId = await begin(stack, model, 'deployments', { version });
  await approve(stack, runId);
  await inState(stack, runId, 'succeeded');
}

async function approve(stack: EmbeddedStack, runId: string): Promise<void> {
  const { approvalId } = await inState(stack, runId, 'awaiting-approval');
  await perennial(stack, 'approve', approvalId, '--yes');
}

const runOf = async (stack: EmbeddedStack, runId: string): Promise<Run> =>
  Run.parse(await ask(stack, 'GET', `/v1/runs/${runId}`));

const stepsOf = async (stack: EmbeddedStack, runId: string): Promise<readonly string[]> =>
  (await runOf(stack, runId)).steps.map(({ name }) => name);

const statesOf = (stack: EmbeddedStack, runs: UnderWay): Promise<readonly RunStateName[]> =>
  Promise.all(Object.values(runs).map(async (runId) => (await runOf(stack, runId)).state));

/** Waits until a run is in the state, and fails as soon as it has ended in another one. */
async function inState<State extends RunStateName>(
  stack: EmbeddedStack,
  runId: string,
  state: State,
  withinMs?: number,
): Promise<Extract<Run, { state: State }>> {
  return until(
    `run ${runId} is ${state}`,
    async () => {
      const run = await runOf(stack, runId);
      if (isState(run, state)) return run;
      if (isFinal(run.state)) throw new Error(`run ${runId} is ${run.state}: ${JSON.stringify(run)}`);
      return undefined;
    },
    withinMs,
  );
}

function isState<State extends RunStateName>(run: Run, state: State): run is Extract<Run, { state: State }> {
  return run.state === state;
}

/** Makes Temporal give work to the workers with this build id, as docs/how-to/cluster.md does. */
async function makeCurrent(stack: EmbeddedStack, buildId: string): Promise<void> {
  const cli = await temporalCli();
  const args = ['worker', 'deployment', 'set-current-version', '--deployment-name', 'perennial', '--build-id', buildId];
  await until(`the build ${buildId} is current`, () =>
    promisify(execFile)(cli, [...args, '--yes', '--address', stack.temporal]).then(
      () => true,
      () => false,
    ),
  );
}

/** Returns the first execution in the chain of executions of each run. */
async function executionsOf(stack: EmbeddedStack, runs: UnderWay): Promise<readonly (string | undefined)[]> {
  const connection = await Connection.connect({ address: stack.temporal });
  try {
    const client = new Client({ connection });
    const ids = await Promise.all(Object.values(runs).map(async (runId) => (await runOf(stack, runId)).workflowId));
    const described = await Promise.all(ids.map((workflowId) => client.workflow.getHandle(workflowId).describe()));
    return described.map(({ raw }) => raw.workflowExecutionInfo?.firstRunId ?? undefined);
  } finally {
    await connection.close();
  }
}
