import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import type { EmbeddedStack } from '../support/embedded-stack.ts';
import { startStackOfRun } from '../support/stack-of-run.ts';
import type { TinyModel } from '../support/tiny-model.ts';
import { tinyModel, tinyRows } from '../support/tiny-model.ts';
import { cli } from './run-cli.ts';

// The commands that upload data and code and that show the result, on one stack.

const asOf = '2026-01-11T00:00:00Z';
const nobody = '01a20e6a-0000-7000-8000-000000000000';
const main = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
const Page = z.object({ items: z.array(z.looseObject({})), next: z.string().optional() });

let stack: EmbeddedStack;
let model: TinyModel;
beforeAll(async () => {
  stack = await startStackOfRun();
  model = await tinyModel('verbs', (configuration) => ({
    ...configuration,
    build: {
      ...configuration.build,
      params: { depth: 2 },
      gates: [
        { metric: 'rmse', max: 10 },
        { metric: 'rmse', slice: 'hum', minRows: 1, max: 10 },
      ],
    },
  }));
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

/** Runs the command line as a process with `input` piped to its standard input. */
async function piped(input: string, ...args: string[]) {
  const child = spawn(process.execPath, [main, ...args], { env: { ...process.env, PERENNIAL_HOME: stack.home } });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (bytes: Buffer) => (stdout += bytes.toString()));
  child.stderr.on('data', (bytes: Buffer) => (stderr += bytes.toString()));
  child.stdin.end(input);
  await once(child, 'close');
  return { code: child.exitCode, stdout, stderr };
}

test('a newcomer applies, ingests and builds; each command summarises its result in one line and can show it again', async () => {
  expect((await done('apply', '-f', model.file)).stdout).toMatch(/^verbs configuration 1, code 1 \([0-9a-f]{12}\)\n$/);
  expect((await done('apply', '-f', model.file)).stdout).toMatch(/configuration 1, code 1 .*, unchanged/);
  expect((await done('data', 'ingest', '-f', model.file)).stdout).toMatch(
    /^dataset 1: 240 rows, 240 added, 0 already known, 1 guess\n$/,
  );
  const again = await done('data', 'ingest', '-f', model.file, '--json');
  expect(JSON.parse(again.stdout)).toMatchObject({ kind: 'data', number: 1, skipped: 240, unchanged: true });
  const built = await done('build', '-m', 'verbs', '--as-of', asOf, '--param', 'depth=3', '--param', 'kind=small');
  expect(built.stdout).toBe('version 1 is candidate\n');

  expect((await done('code', 'log', '-m', 'verbs')).stdout).toMatch(/^version +digest +files +commit +command/);
  expect((await done('data', 'log', '-m', 'verbs')).stdout).toMatch(/\n1 +[0-9a-f]{12} +240 +240 +0 +0 +0 +1 /);
  expect((await done('data', 'show', '1', '-m', 'verbs')).stdout).toMatch(
    /240 rows in 1 part\n.*\n[^]*\ntemp +number +0 +24 /,
  );
  expect((await done('versions', '-m', 'verbs')).stdout).toMatch(/\n1 +[0-9a-f]{12} +192 +rmse +0\.00 +– +candidate\n/);
  const shown = await done('versions', 'show', '1', '-m', 'verbs');
  expect(shown.stdout).toMatch(/lineage +dataset 1 \([0-9a-f]{12}\), code 1 .*, configuration 1 /);
  expect(shown.stdout).toMatch(/rmse 0\.00.* on 48 held-out rows; there is no champion/);
  expect(shown.stdout).toMatch(/rmse max 10 +pass +0\.0000 +10\.0000 +48/);
  expect(shown.stdout).toMatch(/slice +rows +rmse +champion\n[^]*hum = 0\.25 +\d+ +0\.0000/);
  const version = JSON.parse((await done('versions', 'show', '1', '-m', 'verbs', '--json')).stdout);
  expect(version).toMatchObject({
    lineage: { dataset: { number: 1 } },
    trainingKeyParts: { params: { depth: 3, kind: 'small' } },
  });
});

test('a version that its gates reject ends the build with exit code 1, its reasons, and its outcome', async () => {
  await model.configure((configuration) => ({
    ...configuration,
    build: { ...configuration.build, gates: [{ metric: 'rmse', max: 0.0001 }] },
  }));
  await done('apply', '-f', model.file);
  await model.data(tinyRows(240, 264).replace(/,([\d.]+)\n/g, ',7$1\n'));
  await done('data', 'ingest', '-f', model.file);
  const { code, stdout, stderr } = await perennial('build', '-m', 'verbs', '--as-of', '2026-01-12T00:00:00Z');
  expect({ code, stdout }).toEqual({ code: 1, stdout: expect.stringMatching(/^version \d is rejected: /) });
  expect(stderr).toMatch(/the gates rejected the new version: version \d is rejected/);
});

test('a checkout writes the rows, and overwrites nothing unless asked to', async () => {
  const file = join(model.folder, 'out.csv');
  const checkout = ['data', 'checkout', '1', '-m', 'verbs', '-o', file];
  expect((await done(...checkout)).stdout).toBe(`${file}\n`);
  expect((await readFile(file, 'utf8')).split('\n').slice(0, 2)).toEqual([
    'id,at,temp,hum,cnt',
    expect.stringMatching(/^0,2026-01-01/),
  ]);
  await writeFile(file, 'mine');
  expect(await perennial(...checkout)).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/exists already.*--force/),
  });
  expect(await readFile(file, 'utf8')).toBe('mine');
  const forced = JSON.parse((await done(...checkout, '--force', '--json')).stdout);
  expect(forced).toEqual({ file, bytes: (await readFile(file)).length });
  expect(await perennial('data', 'checkout', '99', '-m', 'verbs', '-o', `${file}.csv`)).toMatchObject({ code: 1 });
  expect((await readdir(model.folder)).filter((name) => name.startsWith('out.'))).toEqual(['out.csv']);
});

test.each([
  [['data', 'show', '99', '-m', 'verbs'], 1, /no dataset version 99; `perennial data log` lists them/],
  [['versions', 'show', '99', '-m', 'verbs'], 1, /no version 99; `perennial versions` lists them/],
  [['deploy', '99', '-m', 'verbs', '--yes'], 1, /no version 99/],
  [['versions', '-m', 'none'], 1, /no model default\/none; `perennial apply` creates it/],
  [['versions', '-m', 'verbs', '--project', 'other'], 1, /no model other\/verbs/],
  [['runs', 'watch', nobody], 1, /no run .*; `perennial runs` lists them/],
  [['runs', 'logs', '--follow', nobody], 1, /no run /],
  [['runs', 'cancel', nobody], 1, /no run /],
  [['approvals', 'show', nobody], 1, /no approval /],
  [['approve', nobody, '--yes'], 1, /no approval .*; `perennial approvals` lists/],
  [['reports', 'show', nobody, '-m', 'verbs'], 1, /report/],
  [['schedule', 'pause', 'nightly', '-m', 'verbs'], 1, /no schedule nightly; `perennial schedule list`/],
  [['schedule', 'remove', 'nightly', '-m', 'verbs'], 1, /no schedule nightly/],
  [['schedule', 'set', 'x', '--cron', 'every noon', '-m', 'verbs'], 2, /cron/],
  [['rollback', '-m', 'verbs', '--reason', 'x', '--yes'], 1, /cannot be rolled back/],
  [
    ['rollback', '-m', 'verbs', '--reason', 'x', '--to', '7', '--yes'],
    2,
    /matches no release that served in this environment/,
  ],
  [['apply', '-f', 'nowhere.yaml'], 2, /nowhere\.yaml cannot be read/],
  [['data', 'ingest', '-m', 'verbs', 'nowhere.csv'], 2, /there is no file .*nowhere\.csv/],
  [['data', 'ingest', '-m', 'verbs', 'rows.xlsx'], 2, /the file name must end in \.csv/],
  [['labels', 'send', 'nowhere.csv', '-m', 'verbs'], 2, /nowhere\.csv cannot be read/],
  [['ledger', '--key', 'guessed'], 4, /a valid API key: .*--key/],
])('perennial %j ends with %i and a message that names the way out', async (args, code, said) => {
  const human = await perennial(...args);
  expect(human).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(said) });
  const machine = await perennial(...args, '--json');
  expect(machine).toMatchObject({ code, stdout: '' });
  expect(JSON.parse(machine.stderr.trim().split('\n').at(-1) ?? '')).toMatchObject({
    error: { code: expect.any(String), message: expect.stringMatching(said) },
  });
});

test('labels come from a file or a pipe, and an invalid one is reported with its line, and nothing is sent', async () => {
  const send = ['labels', 'send', '-', '-m', 'verbs', '--json'];
  const lines = '{"id":"a","value":1}\n{"id":"b","value":2,"at":"2026-01-02T10:00:00+01:00"}\n';
  expect(JSON.parse((await piped(lines, ...send)).stdout)).toMatchObject({ unknown: 2, waiting: 2 });
  const csv = 'id,value\na,1\nb,3\nc,4\n';
  expect(JSON.parse((await piped(csv, ...send, '--format', 'csv')).stdout)).toMatchObject({
    unknown: 3,
    waiting: 3,
  });
  const nameless = await piped('id,value\nd,4\n,5\n', ...send, '--format', 'csv');
  expect(nameless).toMatchObject({ code: 2, stderr: expect.stringMatching(/line 3 is not a label.*nothing was sent/) });
  expect(JSON.parse((await piped('{"id":"d","value":5}', ...send)).stdout)).toMatchObject({ unknown: 1, waiting: 4 });
});

test('a schedule is set, listed, paused, resumed and removed', async () => {
  const here = ['-m', 'verbs'];
  await done('schedule', 'set', 'monthly', '--cron', '0 3 1 * *', '--timezone', 'America/New_York', ...here);
  expect((await done('schedule', 'list', ...here)).stdout).toMatch(/monthly +0 3 1 \* \* +America\/New_York +no +20/);
  expect((await done('schedule', 'pause', 'monthly', ...here)).stdout).toMatch(/monthly .* yes +–/);
  const resumed = JSON.parse((await done('schedule', 'resume', 'monthly', '--json', ...here)).stdout);
  expect(resumed).toMatchObject({ paused: false, timezone: 'America/New_York', overlap: 'skip' });
  expect((await done('schedule', 'remove', 'monthly', ...here)).stdout).toBe('monthly removed\n');
  expect((await done('schedule', 'list', ...here)).stdout).toBe('none\n');
});

test('a list that is cut says that there is more, and its limit may be longer than a page', async () => {
  const few = await done('ledger', '-m', 'verbs', '--limit', '2');
  expect(few.stdout.trim().split('\n')).toHaveLength(3);
  expect(few.stderr).toMatch(/there are more items; --limit 8/);
  const page = Page.parse(JSON.parse((await done('runs', '--limit', '1', '--json')).stdout));
  expect(page).toMatchObject({ items: [{}], next: expect.any(String) });
  const whole = await done('ledger', '-m', 'verbs', '--limit', '1000', '--json');
  expect(Page.parse(JSON.parse(whole.stdout)).next).toBeUndefined();
  expect(whole.stderr).toBe('');
});

test('the ledger is filtered by kind, environment and time, and other lists by model and environment', async () => {
  const kinds = async (...filter: string[]) => {
    const { stdout } = await done('ledger', '--json', ...filter);
    return new Set(
      z
        .array(z.looseObject({ kind: z.string() }))
        .parse(Page.parse(JSON.parse(stdout)).items)
        .map((e) => e.kind),
    );
  };
  expect(await kinds('-m', 'verbs', '--kind', 'code.committed')).toEqual(new Set(['code.committed']));
  expect(await kinds('-m', 'verbs', '--until', '2020-01-01T00:00:00Z')).toEqual(new Set());
  expect((await kinds('-m', 'verbs', '--since', '2020-01-01T00:00:00+02:00')).size).toBeGreaterThan(3);
  expect(await kinds('-e', 'elsewhere')).toEqual(new Set());
  expect((await done('runs', '-e', 'elsewhere')).stdout).toBe('none\n');
  expect((await done('approvals', '--all', '-e', 'elsewhere')).stdout).toBe('none\n');
  expect((await done('runs', '--state', 'succeeded', '--kind', 'code')).stdout).toMatch(
    /verbs +production +code +succeeded/,
  );
});

test('the environment on the command line overrides the one of the configuration', async () => {
  const applied = JSON.parse((await done('apply', '-f', model.file, '-e', 'staging', '--json')).stdout);
  expect(applied).toMatchObject({ environment: 'staging', code: { kind: 'code' } });
  const runs = Page.parse(JSON.parse((await done('runs', '-e', 'staging', '--json')).stdout));
  expect(runs.items).toMatchObject([{ environment: 'staging', request: { kind: 'code' } }]);
});

test('a command whose reader has ended exits without an error message', async () => {
  // `runs watch` would watch forever; its reader has ended before the first line.
  const child = spawn('sh', ['-c', `"${process.execPath}" "${main}" runs watch --json | true`], {
    env: { ...process.env, PERENNIAL_HOME: stack.home },
  });
  let stderr = '';
  child.stderr.on('data', (bytes: Buffer) => (stderr += bytes.toString()));
  await once(child, 'close');
  expect(stderr).not.toMatch(/EPIPE|Error/);
});
