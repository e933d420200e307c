import type { ChildProcess } from 'node:child_process';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseCommand } from '../support/stand-in-docker/command-line.ts';
import { StandInDocker } from '../support/stand-in-docker/stand-in-docker.ts';
import { readPage, repository } from './page.ts';

// Follows docs/how-to/cluster.md on a machine where `docker` starts processes.

let docker: StandInDocker;
let folder: string;
let shell: ChildProcess | undefined;
beforeAll(async () => {
  docker = await StandInDocker.start();
  folder = await mkdtemp(join(tmpdir(), 'perennial-cluster-'));
  for (const name of ['examples', 'docker', 'docker-compose.yml', 'Dockerfile'])
    await symlink(join(repository, name), join(folder, name));
});
afterAll(async () => {
  // Ends the shell of a test that timed out, together with its child processes.
  if (shell?.pid !== undefined && shell.exitCode === null && shell.signalCode === null) {
    const ended = once(shell, 'exit');
    process.kill(-shell.pid, 'SIGKILL');
    await ended;
  }
  await docker?.end();
  await rm(folder, { recursive: true, force: true });
});

/**
 * Runs a script with what a reader's machine has: Docker, `npx perennial`, and the ports that the Compose file
 * publishes.
 */
async function follow(script: string): Promise<{ readonly code: number | null; readonly said: string }> {
  const npx = `npx() { shift; "${process.execPath}" "${join(repository, 'cli/main.ts')}" "$@"; }`;
  const following = spawn('bash', ['-c', ['set -euo pipefail', npx, docker.place.here(script)].join('\n')], {
    cwd: folder,
    env: {
      HOME: folder,
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
      PATH: [docker.binFolder, dirname(process.execPath), process.env.PATH].join(delimiter),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  shell = following;
  let said = '';
  for (const stream of [following.stdout, following.stderr])
    stream.on('data', (bytes: Buffer) => (said += bytes.toString()));
  await once(following, 'close');
  return { code: following.exitCode, said };
}

test(
  'the page can be followed from a checkout to its end, which leaves nothing behind',
  { timeout: 400_000 },
  async () => {
    const { files, script } = readPage('cluster');
    for (const { path, text } of files) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    const { code, said } = await follow(script);
    expect(code, said).toBe(0);
    expect((await stat(join(folder, '.env'))).mode & 0o077).toBe(0);
    expect(docker.containers).toEqual([]);
    expect(existsSync(docker.place.volumes)).toBe(false);
  },
);

test.each([
  'run debian',
  'compose restart',
  'compose up',
  'compose up --detach --force-recreate',
  'compose up --detach --scale worker',
  'compose run worker node',
  'compose down --rmi all',
])('the stand-in refuses an unknown command: docker %s', (words) => {
  expect(() => parseCommand(words.split(' '))).toThrow(/stand-in|Unknown option|SERVICE=NUMBER/);
});

const named = ['PERENNIAL_BUILD_ID', 'POSTGRES_PASSWORD', 'S3_ACCESS_KEY', 'S3_SECRET_KEY', 'PERENNIAL_SECRET'];
test.each([
  ['up --detach gatewy', [...named, 'PERENNIAL_ADMIN_KEY'], /no such service: gatewy/],
  ['run --rm worker node', [...named, 'PERENNIAL_ADMIN_KEY'], /not worker/],
  ['up --detach', named, /PERENNIAL_ADMIN_KEY is not set/],
] as const)('docker compose %s is refused as wrong and starts nothing', async (words, variables, why) => {
  const elsewhere = await mkdtemp(join(tmpdir(), 'perennial-refused-'));
  await symlink(join(repository, 'docker-compose.yml'), join(elsewhere, 'docker-compose.yml'));
  await writeFile(join(elsewhere, '.env'), variables.map((name) => `${name}=1.0\n`).join(''));
  const command = ['compose', ...words.split(' ')];
  await expect(promisify(execFile)(join(docker.binFolder, 'docker'), command, { cwd: elsewhere })).rejects.toThrow(why);
  await rm(elsewhere, { recursive: true });
});
