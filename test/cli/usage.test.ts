import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { commandLine } from '../../cli/program.ts';
import { cli } from './run-cli.ts';

// The checks of the command line that need no connection to a stack.

function verbs(command: Command, path: readonly string[] = []): { path: readonly string[]; command: Command }[] {
  return command.commands.flatMap((sub) => {
    const here = [...path, sub.name()];
    return [{ path: here, command: sub }, ...verbs(sub, here)];
  });
}
const all = verbs(commandLine(() => async () => {}));

test('every command that clients rely on exists', () => {
  const names = new Set(all.map(({ path }) => path.join(' ')));
  const promised = `up,down,status,apply,data ingest,data log,data show,data diff,data checkout,code snapshot,code log,build,
    versions,versions show,deploy,approvals,approve,reject,rollback,resume,served,labels send,monitor,reports,
    schedule set,schedule list,schedule pause,schedule resume,schedule remove,trigger,runs,runs watch,runs logs,
    runs cancel,ledger,gc,rehearse,demo,completion`;
  for (const verb of promised.split(',')) expect(names).toContain(verb.trim());
});

test.each(all.filter(({ command }) => command.commands.length === 0).map(({ path }) => path.join(' ')))(
  'perennial %s --help describes the command and its arguments, and gives an example',
  async (verb) => {
    const { code, stdout } = await cli([...verb.split(' '), '--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^Usage: perennial ${verb}`));
    expect(stdout).toMatch(/--json .*JSON/);
    expect(stdout).toMatch(/Examples?:\n {2}.*perennial/);
  },
);

test.each([
  [['aply'], /no command "perennial aply"; did you mean apply\?/],
  [['graduate'], /no command "perennial graduate"; the commands are up, down/],
  [['runs', 'wach'], /no command "perennial runs wach"; did you mean watch\?/],
  [['--json', '-m', 'x', 'versions', 'shw', '3'], /did you mean show\?/],
  [['data', 'chekout', '3'], /did you mean checkout\?/],
  [['build', '--asof', '2026-01-01T00:00:00Z'], /unknown option '--asof'; did you mean --as-of\?/],
  [['deploy'], /missing required argument 'version'/],
  [['deploy', 'newest'], /version 'newest' is invalid. Expected a whole number/],
  [['runs', '--limit', '0'], /Expected a whole number, at least 1/],
  [['runs', '--kind', 'bild'], /Allowed choices are data, code, build/],
  [['ledger', '--since', 'yesterday'], /Expected an instant with a time zone, e\.g\. 2026/],
  [['served', '--at', '2026-11-17 14:05'], /Expected an instant with a time zone/],
  [['build', '--param', 'depth'], /Expected NAME=VALUE/],
  [['monitor', '--window', 'a while'], /Expected a duration such as 12h/],
  [['approve', 'the-last-one'], /Expected an id; perennial approvals lists/],
  [['runs', 'logs', '7'], /Expected an id; perennial runs lists/],
  [['rollback', '--yes'], /required option '--reason <text>' not specified/],
  [['rollback', '--reason', 'x', '--with', 'data,model'], /"model" is not one of data, code, config/],
  [['completion', 'tcsh'], /Allowed choices are bash, zsh, fish/],
  [['trigger', '--kind', 'mood'], /Allowed choices are manual/],
])('perennial %j is wrong usage, with exit code 2 and the way out', async (args, said) => {
  const human = await cli(args);
  expect(human).toMatchObject({ code: 2, stdout: '' });
  expect(human.stderr).toMatch(said);
  expect(human.stderr).toMatch(/\(see perennial .*--help\)/);
  const machine = await cli([...args, '--json']);
  expect(machine).toMatchObject({ code: 2, stdout: '' });
  expect(JSON.parse(machine.stderr)).toEqual({
    error: { code: 'invalid-request', message: expect.stringMatching(said) },
  });
});

test('a command that needs a subcommand lists the existing ones', async () => {
  const human = await cli(['data']);
  expect(human.code).toBe(2);
  expect(human.stderr).toMatch(/checkout .*download the rows/);
  const machine = await cli(['data', '--json']);
  expect(machine.code).toBe(2);
  expect(JSON.parse(machine.stderr.trim().split('\n').at(-1) ?? '')).toMatchObject({
    error: { message: expect.stringMatching(/needs a subcommand: ingest, log/) },
  });
});

test.each([[['runs']], [['versions', '-m', 'x']], [['deploy', '1', '-m', 'x', '--yes']], [['approvals']]])(
  'without a stack perennial %j explains how to start one',
  async (args) => {
    const { code, stderr, stdout } = await cli(args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/no stack runs in .*; start one with perennial up/);
  },
);

test('an empty variable counts as absent, and never means the current folder', async () => {
  const { code, stderr } = await cli(['runs'], { PERENNIAL_HOME: '', PERENNIAL_URL: '', PERENNIAL_KEY: '' });
  expect(code).toBe(1);
  expect(stderr).toMatch(/no stack runs in .*\/\.perennial and PERENNIAL_URL is not set/);
});

test('an unreachable API, or another server in its place, is reported with the address', async () => {
  const server = createServer((_request, response) => response.end('<html>hello</html>')).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const other = await cli(['runs', '--url', url, '--key', 'k']);
    expect(other.code).toBe(1);
    expect(other.stderr).toMatch(/is not JSON; check that .* is the address of the API/);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
  const away = await cli(['runs', '--url', url, '--key', 'k', '--json']);
  expect(away.code).toBe(1);
  expect(JSON.parse(away.stderr)).toMatchObject({ error: { code: 'api-unavailable', url } });
  const none = await cli(['runs', '--key', 'k'], { PERENNIAL_URL: 'localhost' });
  expect(none).toMatchObject({ code: 2, stderr: expect.stringMatching(/"localhost" is not the address of an API/) });
  const keyless = await cli(['runs'], { PERENNIAL_URL: url });
  expect(keyless).toMatchObject({ code: 4, stderr: expect.stringMatching(/set PERENNIAL_KEY or use --key/) });
});

test('a broken download leaves no file, and says so', async () => {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/csv', 'content-length': '1000' });
    response.write('id,value\n', () => response.destroy());
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const folder = await mkdtemp(join(tmpdir(), 'perennial-checkout-'));
  try {
    const to = ['-o', join(folder, 'rows.csv')];
    const broken = await cli(['data', 'checkout', '1', '-m', 'x', '--url', url, '--key', 'k', ...to]);
    expect(broken.code).toBe(1);
    expect(broken.stderr).toMatch(/was interrupted after \d+ bytes, and nothing was written/);
    expect(await readdir(folder)).toEqual([]);
  } finally {
    await new Promise((resolve) => server.close(resolve));
    await rm(folder, { recursive: true });
  }
});

test('completion in bash offers commands, subcommands, options, and the values of an option', async () => {
  const { stdout: script } = await cli(['completion', 'bash']);
  const offered = async (line: string) => {
    const words = line.split(' ');
    const ask = `${script}\nCOMP_WORDS=(${words.map((word) => `"${word}"`).join(' ')}); COMP_CWORD=${words.length - 1}; _perennial; echo "\${COMPREPLY[*]}"`;
    const { stdout } = await promisify(execFile)('bash', ['-c', ask]);
    return stdout.trim().split(' ');
  };
  expect(await offered('perennial app')).toEqual(['apply', 'approvals', 'approve']);
  expect(await offered('perennial data ch')).toEqual(['checkout']);
  expect(await offered('perennial data checkout --forc')).toEqual(['--force']);
  expect(await offered('perennial runs --model x --kind b')).toEqual(['build']);
  expect(await offered('perennial runs logs --foll')).toEqual(['--follow']);
});

test('completion in fish lists every command with its description', async () => {
  const { stdout } = await cli(['completion', 'fish']);
  for (const { command } of all) expect(stdout).toContain(`-a ${command.name()} -d `);
});
