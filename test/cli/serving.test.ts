import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { Run } from '../../contracts/runs/run.ts';
import type { EmbeddedStack } from '../support/embedded-stack.ts';
import { until } from '../support/until.ts';
import { startStackOfRun } from '../support/stack-of-run.ts';
import { linearModel } from '../support/onnx-models.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import type { TinyModel } from '../support/tiny-model.ts';
import { goodModel, tinyModel } from '../support/tiny-model.ts';
import { cli } from './run-cli.ts';
import { perennialOnTerminal } from './terminal.ts';

// The commands that change what serves and those that wait, on one stack, with and without a terminal.

const main = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
const here = ['-m', 'served'];
const asOf = ['--as-of', '2026-01-11T00:00:00Z'];
const slow = `for i in 1 2 3 4; do echo "fitting $i"; echo "::progress 0.$i fitting"; sleep 0.4; done
cp model.onnx "$PERENNIAL_OUTPUT/"`;

let stack: EmbeddedStack;
let model: TinyModel;
beforeAll(async () => {
  stack = await startStackOfRun();
  model = await tinyModel('served');
  await done('apply', '-f', model.file);
  await done('data', 'ingest', '-f', model.file);
  await done('build', ...here, ...asOf);
});
afterAll(async () => {
  await stack?.end();
  await model?.remove();
});

function perennial(...args: string[]) {
  return cli(args, { PERENNIAL_HOME: stack.home });
}

async function done(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  const said = await perennial(...args);
  expect(said.code, said.stderr).toBe(0);
  return said;
}

function onTerminal(args: readonly string[], typed: Parameters<typeof perennialOnTerminal>[2] = [], noColour = false) {
  const environment = { PERENNIAL_HOME: stack.home, ...(noColour ? { NO_COLOR: '1' } : {}) };
  return perennialOnTerminal(args, environment, typed);
}

/** Parses the last line of standard error, where the error is. Earlier lines report progress. */
function lastLine(said: string): unknown {
  return JSON.parse(said.trim().split('\n').at(-1) ?? '');
}

async function nextVersion(bias: number, script = 'cp model.onnx "$PERENNIAL_OUTPUT/"'): Promise<void> {
  const onnx = bias === 0 ? goodModel : linearModel({ features: ['temp', 'hum'], weights: [2, 1], bias });
  await model.code(script, { 'model.onnx': onnx });
  await done('apply', '-f', model.file);
}

async function newestRun(kind: string): Promise<Run> {
  const { stdout } = await done('runs', '--kind', kind, '--limit', '1', '--json');
  const [run] = z.object({ items: z.array(Run) }).parse(JSON.parse(stdout)).items;
  if (run === undefined) throw new Error(`there is no ${kind} run`);
  return run;
}

function champion(): Promise<string> {
  return done('served', ...here).then(({ stdout }) => stdout);
}

/** Returns what `runs watch` prints when a signal ends it. */
async function watchedUntil(signal: NodeJS.Signals, id: string): Promise<string> {
  const child = spawn(process.execPath, [main, 'runs', 'watch', id], {
    env: { ...process.env, PERENNIAL_HOME: stack.home },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (bytes: Buffer) => (said += bytes.toString()));
  child.stdout.once('data', () => child.kill(signal));
  await once(child, 'close');
  expect(child.exitCode, said).toBe(130);
  return said;
}

test('deploy shows from → to and asks, and sends nothing without a terminal or without a yes', async () => {
  const refused = await perennial('deploy', '1', ...here);
  expect(refused).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(/nothing → version 1\n.*--yes/) });
  for (const keys of ['n\r', '\u0003']) {
    const { code, shown } = await onTerminal(['deploy', '1', ...here], [{ after: 'Continue\\?', keys }]);
    expect(shown).toMatch(/served in production: nothing → version 1[^]*Continue\? \[y\/N\][^]*nothing was changed/);
    expect(code).toBe(1);
  }
  expect((await done('runs', '--kind', 'deploy')).stdout).toBe('none\n');
});

test('Ctrl-C ends the waiting and not the deployment; the approval shows its evidence, asks, and deploys', async () => {
  const waiting = await onTerminal(
    ['deploy', '1', ...here],
    [
      { after: 'Continue\\?', keys: 'y\r' },
      { after: 'waits for approval', keys: '\u0003' },
    ],
  );
  expect(waiting.code).toBe(130);
  const run = await newestRun('deploy');
  if (run.state !== 'awaiting-approval') throw new Error(`the deployment is ${run.state}`);
  expect(waiting.shown).toMatch(
    /the deploy run continues; follow it with perennial runs watch [^]*, or cancel it with perennial runs cancel/,
  );
  // A waiting demo must stop its stack first, so these signals must neither kill it immediately nor be ignored.
  for (const signal of ['SIGTERM', 'SIGHUP'] as const)
    expect(await watchedUntil(signal, run.id)).toMatch(/the deploy run continues; follow it with perennial runs watch/);

  expect((await done('approvals', ...here)).stdout).toMatch(new RegExp(`${run.approvalId} +served +production +1 +–`));
  const evidence = await done('approvals', 'show', run.approvalId);
  expect(evidence.stdout).toMatch(/served in production: nothing → version 1/);
  expect(evidence.stdout).toMatch(/rmse max 10 +pass +0\.0000 +10\.0000 +48/);
  expect(evidence.stdout).toMatch(/pending: 0 of 1 votes by approver/);
  expect(await perennial('approve', run.approvalId)).toMatchObject({ code: 2, stderr: expect.stringMatching(/--yes/) });

  const voted = await onTerminal(['approve', run.approvalId], [{ after: 'Continue\\?', keys: 'y\r' }]);
  expect(voted.code).toBe(0);
  expect(voted.shown).toMatch(/nothing → version 1[^]*rmse max 10[^]*Continue\?[^]*approved: 1 of 1 votes/);
  const watched = await done('runs', 'watch', run.id, '--json');
  expect(lastLine(watched.stdout)).toMatchObject({ state: 'succeeded' });
  expect(await champion()).toMatch(/generation 1 since .*\n.*\nchampion +100 % +1 +[0-9a-f]{12}\n[^]*gateway/);
});

test('a run is followed live with its log, steps and progress, and its outcome is the exit code', async () => {
  await nextVersion(0.5, slow);
  const building = perennial('build', ...here, ...asOf, '--json');
  const run = await until('the build has begun', async () => {
    const newest = await newestRun('build');
    return newest.state === 'running' && newest;
  });
  const [log, lines, view] = await Promise.all([
    done('runs', 'logs', '--follow', run.id),
    done('runs', 'watch', run.id),
    onTerminal(['runs', 'watch', run.id]),
  ]);
  expect(log.stdout).toMatch(/fitting 1\n[^]*fitting 4\n/);
  expect(lines.stdout).toMatch(/build [a-zA-Z]+ .*\n[^]*build succeeded: version 2 is candidate\n$/);
  expect(view.code).toBe(0);
  expect(view.shown).toMatch(/█+░+ \d0 % fitting/);
  expect(view.shown).toContain('A\u001B[0J');
  expect(view.shown).toMatch(/succeeded: version 2 is candidate\r\n$/);
  expect(JSON.parse((await building).stdout)).toMatchObject({ decision: 'candidate', number: 2 });
});

test('a failed run ends the waiting command with exit code 1 and its reason, as text and as JSON', async () => {
  await nextVersion(0.6, 'echo no memory left >&2; exit 3');
  const built = await perennial('build', ...here, ...asOf, '--json');
  expect(built).toMatchObject({ code: 1, stdout: '' });
  expect(lastLine(built.stderr)).toMatchObject({ error: { code: 'training-failed', runId: expect.any(String) } });
  const { id } = await newestRun('build');
  const watched = await perennial('runs', 'watch', id);
  expect(watched).toMatchObject({ code: 1, stdout: expect.stringMatching(/build failed: training-failed: /) });
  const logged = await perennial('runs', 'logs', '--follow', id, '--json');
  expect(logged.code).toBe(1);
  const lines = logged.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines).toContainEqual(expect.objectContaining({ stream: 'stderr', line: 'no memory left' }));
});

test('waiting survives a restart of the API, and a broken stream continues where it stopped', async () => {
  await nextVersion(0.7, slow);
  const door = await startTcpProxy(stack.api);
  const far = { PERENNIAL_URL: door.url, PERENNIAL_KEY: stack.keys.operator };
  const building = cli(['build', ...here, ...asOf], far);
  const run = await until('the build has begun', async () => {
    const newest = await newestRun('build');
    return newest.state === 'running' && newest.progress !== null && newest;
  });
  const begun = Promise.withResolvers<void>();
  const following = cli(['runs', 'logs', '--follow', run.id], far, () => begun.resolve());
  await begun.promise;
  await door.shut();
  await door.open();
  const [built, followed] = await Promise.all([building, following]);
  await door.shut();
  expect(built, built.stderr).toMatchObject({ code: 0, stdout: 'version 3 is candidate\n' });
  expect(followed.code, followed.stderr).toBe(0);
  const fitted = followed.stdout.split('\n').filter((line) => /^fitting \d$/.test(line));
  expect(fitted).toEqual(['fitting 1', 'fitting 2', 'fitting 3', 'fitting 4']);
});

test('a rejection asks no question, changes nothing, and ends the deployment with exit code 1', async () => {
  const deploying = perennial('deploy', '2', ...here, '--yes', '--json');
  const run = await until('it asks', async () => {
    const newest = await newestRun('deploy');
    return newest.state === 'awaiting-approval' && newest;
  });
  const said = await done('reject', run.state === 'awaiting-approval' ? run.approvalId : '', '--comment', 'not today');
  expect(said).toMatchObject({ stdout: 'rejected\n', stderr: expect.stringMatching(/version 1 → version 2/) });
  const deployed = await deploying;
  expect(deployed.code).toBe(1);
  expect(JSON.parse(deployed.stdout)).toMatchObject({ state: 'succeeded', outcome: { decision: 'rejected' } });
  expect(deployed.stderr).toMatch(/version 2 was not promoted: release [0-9a-f]{12} rejected/);
});

test('a rollback shows the version that returns, and accepts a version or a shown digest', async () => {
  const deploying = perennial('deploy', '3', ...here, '--yes');
  const run = await until('it asks', async () => {
    const newest = await newestRun('deploy');
    return newest.state === 'awaiting-approval' && newest;
  });
  await done('approve', run.state === 'awaiting-approval' ? run.approvalId : '', '--yes');
  expect(await deploying).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^release [0-9a-f]{12} promoted in generation 2\n$/),
  });
  const digest = /champion +100 % +3 +([0-9a-f]{12})/.exec(await champion())?.[1] ?? '';

  const asked = await onTerminal(['rollback', ...here, '--reason', 'x'], [{ after: 'Continue\\?', keys: 'n\r' }]);
  expect(asked.shown).toMatch(/version 3 \(champion, 100 %\) → version 1/);
  await done('rollback', ...here, '--reason', 'answers are off', '--yes');
  expect(await champion()).toMatch(/champion +100 % +1 /);
  const named = await done('rollback', ...here, '--to', digest, '--reason', 'they were right', '--yes');
  expect(named.stderr).toMatch(/version 1 \(champion, 100 %\) → version 3, release/);
  expect(named.stdout).toMatch(/^version 3 serves in generation \d+; promotion is on hold/);
  expect(await champion()).toMatch(/champion +100 % +3 /);
  expect((await done('resume', ...here, '--reason', 'settled')).stdout).toBe(
    'automatic promotion is enabled again for served in production\n',
  );
});

test('a terminal has colours unless NO_COLOR is set, and a file never has', async () => {
  const [coloured, plain, piped] = await Promise.all([
    onTerminal(['runs', '--limit', '1']),
    onTerminal(['runs', '--limit', '1'], [], true),
    done('runs', '--limit', '1'),
  ]);
  expect(coloured.shown).toContain('\u001B[1m');
  for (const colour of ['\u001B[1m', '\u001B[2m', '\u001B[31m']) expect(plain.shown).not.toContain(colour);
  expect(piped.stdout + piped.stderr).not.toContain('\u001B');
});

test('all runs are watched in a table that redraws itself until Ctrl-C, or without a terminal in one line per change', async () => {
  const { code, shown } = await onTerminal(['runs', 'watch'], [{ after: 'step or outcome', keys: '\u0003' }]);
  expect(code).toBe(0);
  expect(shown).toMatch(/run +where +kind +state +took +step or outcome/);
  const child = spawn(process.execPath, [main, 'runs', 'watch', '--json'], {
    env: { ...process.env, PERENNIAL_HOME: stack.home },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let lines = '';
  child.stdout.on('data', (bytes: Buffer) => (lines += bytes.toString()));
  await until('it has told of a run', async () => lines.includes('\n'));
  child.kill('SIGINT');
  await once(child, 'exit');
  expect(child.exitCode).toBe(0);
  for (const line of lines.trim().split('\n')) expect(Run.parse(JSON.parse(line)).model).toBe('served');
});
