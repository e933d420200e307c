import type { ChildProcess } from 'node:child_process';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { BuildExplanation } from '../../api/answers/build-explanation.ts';
import type { ConfigurationInput } from '../../contracts/configuration/configuration.ts';
import { Evaluation } from '../../contracts/models/evaluation.ts';
import { PermutationImportance } from '../../contracts/models/importance.ts';
import { modelVersionWith } from '../../contracts/models/model-version.ts';
import { Run } from '../../contracts/runs/run.ts';
import { processesThatMention, uniqueSeconds } from '../adapters/trainers/training-ground.ts';
import type { EmbeddedStack } from '../support/embedded-stack.ts';
import { until } from '../support/until.ts';
import { startStackOfRun } from '../support/stack-of-run.ts';
import type { TinyModel } from '../support/tiny-model.ts';
import { goodModel, tinyModel } from '../support/tiny-model.ts';

// The parts of a build besides training, through the whole stack: gates, refits, explanations, and the early end of a
// training.

let stack: EmbeddedStack;
beforeAll(async () => {
  stack = await startStackOfRun();
});
afterAll(() => stack?.end());

let count = 0;
let model: TinyModel;
let name: string;
beforeEach(async () => {
  count += 1;
  name = `deep-${count}`;
  model = await tinyModel(name);
});
afterEach(() => model.remove());

const Version = modelVersionWith({
  evaluation: Evaluation.nullable(),
  importance: PermutationImportance.nullable(),
});
const Versions = z.object({ items: z.array(z.object({ number: z.number() }).loose()) }).loose();

async function gate(changes: Partial<ConfigurationInput['build']>): Promise<void> {
  await model.configure((configuration) => ({ ...configuration, build: { ...configuration.build, ...changes } }));
}

async function prepare(): Promise<void> {
  await stack.json(z.unknown(), ['apply', '-f', model.file]);
  await stack.json(z.unknown(), ['data', 'ingest', '-f', model.file]);
}

async function build(asOf = '2026-01-11T00:00:00Z', params: readonly string[] = []): Promise<z.infer<typeof Run>> {
  const given = params.flatMap((param) => ['--param', param]);
  const { stderr } = await stack.perennial(['build', '--model', name, '--as-of', asOf, ...given]);
  const run = await newestRun('build');
  if (run === undefined) throw new Error(`no build ran: ${stderr}`);
  return run;
}

async function newestRun(kind: string): Promise<z.infer<typeof Run> | undefined> {
  const path = `/v1/runs?model=${name}&kind=${kind}&limit=1`;
  return (await stack.get(z.object({ items: z.array(Run) }).loose(), path)).items[0];
}

const versionOf = (number: number) => stack.get(Version, `/v1/models/${name}/versions/${number}`);

test('gates on size, latency, a command and slices decide, and importance ranks the features', async () => {
  await model.configure((configuration) => ({
    ...configuration,
    build: {
      ...configuration.build,
      gates: [
        { size: '1MiB' },
        { latency: 'p99', maxMs: 1000 },
        { command: ['sh', 'gate.sh'] },
        { metric: 'rmse', slice: 'temp', versus: 'champion', maxLoss: 0.1, minRows: 1 },
      ],
    },
  }));
  const gateScript = `
test -s "$PERENNIAL_MODEL" && test -s "$PERENNIAL_HOLDOUT" && grep -q '"rmse"' "$PERENNIAL_METRICS" || exit 9
rows=$(wc -l < "$PERENNIAL_PREDICTIONS")
echo "$rows rows, and the limit is $(cat limit)"
test "$rows" -ge "$(cat limit)"`;
  const files = { 'model.onnx': goodModel, 'gate.sh': gateScript };
  const train = 'cp model.onnx "$PERENNIAL_OUTPUT/model.onnx"';
  await model.code(train, { ...files, limit: '48' });
  await prepare();
  expect(await build()).toMatchObject({ state: 'succeeded', outcome: { decision: 'candidate', reasons: [] } });
  const first = await versionOf(1);
  expect(first.evaluation?.body.gates.map(({ gate: gated, verdict }) => [gated, verdict])).toEqual([
    ['size max 1MiB', 'pass'],
    ['latency p99 max 1000 ms', 'pass'],
    ['command sh gate.sh', 'pass'],
    ['rmse for temp versus champion, maxLoss 0.1', 'not-applicable'],
  ]);
  expect(first.evaluation?.body.latency?.machine).toMatch(/×/);
  // The model is 2 · temp + hum, and temp also has the wider range.
  expect(first.importance?.features.map((feature) => feature.name)).toEqual(['temp', 'hum']);
  expect(first.importance?.features[0]?.mean).toBeGreaterThan(5);

  await model.code(train, { ...files, limit: '49' });
  await stack.json(z.unknown(), ['code', 'snapshot', '-f', model.file]);
  const refused = await build();
  expect(refused).toMatchObject({ outcome: { decision: 'rejected' } });
  expect((await versionOf(2)).evaluation?.body.reasons).toEqual([
    'command sh gate.sh ended with code 1: 48 rows, and the limit is 49',
  ]);

  const why = await stack.get(BuildExplanation, `/v1/models/${name}/builds/2`);
  expect(why).toMatchObject({ reused: false, comparedWith: { number: 1, as: 'the version before' } });
  expect(why.differences.map(({ part }) => part)).toEqual(['code']);
  const said = await stack.perennial(['builds', 'show', refused.id, '--why', '--model', name]);
  expect(said.stdout).toMatch(/differences from the previous version, version 1:[\s\S]*code/);
});

test('a refit is also trained on the holdout, cites the evaluation of its original, and is never measured on rows that it saw', async () => {
  await gate({ refit: true, gates: [{ metric: 'rmse', versus: 'champion', confidence: 0.5 }] });
  await prepare();
  const run = await build('2026-01-09T00:00:00Z');
  if (run.state !== 'succeeded' || run.outcome.kind !== 'build') throw new Error(`the build ${run.state}`);
  expect(run.outcome).toMatchObject({ decision: 'candidate', number: 2, reused: false });
  const [evaluated, refit] = [await versionOf(1), await versionOf(2)];
  expect(refit.trained.trainingRows).toBe(evaluated.trained.trainingRows + evaluated.trained.holdoutRows);
  expect(refit.trainingKeyParts.refitOf).toBe(evaluated.trainingKey);
  expect(refit.evaluation?.body.cites).toMatchObject({ modelVersion: 1, evaluation: evaluated.evaluation?.digest });
  expect((await stack.get(BuildExplanation, `/v1/models/${name}/builds/2`)).refitOf).toBe(1);

  const deploying = await stack.request('POST', `/v1/models/${name}/deployments`, { version: 2 });
  expect(deploying.status, JSON.stringify(deploying.body)).toBe(202);
  const Approvals = z.object({ items: z.array(z.object({ id: z.string(), digest: z.string() }).loose()) }).loose();
  const approval = await until('approval', async () => {
    const { items } = await stack.get(Approvals, '/v1/approvals?status=pending');
    return items[0];
  });
  const vote = { decision: 'approve', digest: approval.digest };
  await stack.request('POST', `/v1/approvals/${approval.id}/votes`, vote, 'approver');
  await until('it serves', async () => (await newestRun('deploy'))?.state === 'succeeded');

  // A repeated build produces the version that serves already.
  expect(await build('2026-01-09T00:00:00Z')).toMatchObject({ outcome: { decision: 'unchanged', number: 2 } });
  // The holdout of this build overlaps with the refit's training data: one of its two days was trained on.
  expect(await build('2026-01-10T00:00:00Z')).toMatchObject({ outcome: { decision: 'rejected' } });
  expect((await versionOf(3)).evaluation?.body.gates[0]).toMatchObject({ verdict: 'inconclusive' });
});

test('a cancelled training ends with all its processes within 5 s', async () => {
  const seconds = uniqueSeconds();
  await model.code(`setsid sleep ${seconds} & sleep ${seconds}`);
  await prepare();
  const building = stack.perennial(['build', '--model', name, '--as-of', '2026-01-11T00:00:00Z']);
  await until('it trains', async () => processesThatMention(`sleep ${seconds}`).length >= 2);
  const run = await newestRun('build');
  const begin = performance.now();
  const { code, stderr } = await stack.perennial(['runs', 'cancel', run?.id ?? '', '--model', name]);
  expect(code, stderr).toBe(0);
  await until('all is gone', async () => processesThatMention(`sleep ${seconds}`).length === 0);
  // The limit is 5 s for the cancellation, plus time for the command line to start.
  expect(performance.now() - begin).toBeLessThan(8000);
  expect((await building).code).toBe(1);
  expect(await newestRun('build')).toMatchObject({ state: 'cancelled' });
  expect((await stack.get(Versions, `/v1/models/${name}/versions`)).items).toEqual([]);
});

test('another worker continues after a worker is killed during training, and one version results', async () => {
  const second = await startSecondWorker();
  try {
    const mark = uniqueSeconds();
    await model.configure((configuration) => ({
      ...configuration,
      code: { path: 'train', command: ['sh', '-c', `: ${mark}; sleep 4; cp model.onnx "$PERENNIAL_OUTPUT/"`] },
    }));
    await prepare();
    const building = stack.perennial(['build', '--model', name, '--as-of', '2026-01-11T00:00:00Z']);
    const workers = [await stack.pidOf('worker'), second.pid].filter((pid) => pid !== undefined);
    const trains = await until('it trains', async () => workerAbove(mark, workers));
    process.kill(trains, 'SIGKILL');
    const { code, stderr } = await building;
    expect(code, stderr).toBe(0);
    const run = await newestRun('build');
    const attempts = run?.steps
      .filter((step) => step.name === 'trainModel')
      .map(({ attempt, state }) => [attempt, state]);
    expect(attempts?.at(-1)).toEqual([2, 'succeeded']);
    expect((await stack.get(Versions, `/v1/models/${name}/versions`)).items).toHaveLength(1);
  } finally {
    if (second.exitCode === null && second.signalCode === null) {
      second.kill('SIGTERM');
      await once(second, 'exit');
    }
  }
});

/** Starts a worker beside the stack's own, as on another machine. */
async function startSecondWorker(): Promise<ChildProcess> {
  const pid = await stack.pidOf('worker');
  const environ = await readFile(`/proc/${pid}/environ`, 'utf8');
  const env = Object.fromEntries(
    environ.split('\0').flatMap((entry): [string, string][] => {
      const [, key, value] = /^([^=]+)=(.*)$/s.exec(entry) ?? [];
      return key === undefined || value === undefined ? [] : [[key, value]];
    }),
  );
  const main = join(fileURLToPath(new URL('../..', import.meta.url)), 'worker/main.ts');
  const worker = spawn(process.execPath, [main], {
    env: { ...env, PERENNIAL_WORKER_PORT: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [worker.stdout, worker.stderr]) stream.on('data', (bytes: Buffer) => (said += bytes.toString()));
  await until('the second worker polls', async () => {
    if (worker.exitCode !== null) throw new Error(`it ended: ${said}`);
    return /poll|running|ready/i.test(said);
  });
  return worker;
}

/** Returns the worker that has a descendant process with the mark in its arguments. */
function workerAbove(mark: string, workers: readonly number[]): number | undefined {
  const lines = execFileSync('ps', ['-A', '-ww', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' }).split('\n');
  const parents = new Map<number, number>();
  let at: number | undefined;
  for (const line of lines) {
    const [, pid, parent, args = ''] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    if (pid === undefined) continue;
    parents.set(Number(pid), Number(parent));
    if (args.includes(`: ${mark};`) && !args.includes('cli/main.ts')) at ??= Number(pid);
  }
  while (at !== undefined && at > 1) {
    if (workers.includes(at)) return at;
    at = parents.get(at);
  }
  return undefined;
}
