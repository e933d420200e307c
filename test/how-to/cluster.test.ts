import type { ChildProcess } from 'node:child_process';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { StandInDocker } from '../support/stand-in-docker/stand-in-docker.ts';
import { readPage, repository } from './page.ts';

// docs/how-to/cluster.md as its reader follows it, on a machine whose `docker` starts processes.

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
  // One that a test has given up, with what it runs.
  if (shell?.pid !== undefined && shell.exitCode === null && shell.signalCode === null) {
    const ended = once(shell, 'exit');
    process.kill(-shell.pid, 'SIGKILL');
    await ended;
  }
  await docker?.end();
  await rm(folder, { recursive: true, force: true });
});

/** What a reader's machine has: Docker, `npx perennial`, and the ports that the file publishes. */
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

const unknown = [
  'run debian',
  'compose restart',
  'compose up',
  'compose up --detach --force-recreate',
  'compose up --detach gatewy',
  'compose up --detach --scale gatewy=2',
  'compose run --rm worker node',
  'compose down --rmi all',
];
test.each(unknown)('the stand-in refuses what it does not know: docker %s', async (words) => {
  const elsewhere = await mkdtemp(join(tmpdir(), 'perennial-refused-'));
  await symlink(join(repository, 'docker-compose.yml'), join(elsewhere, 'docker-compose.yml'));
  await writeFile(
    join(elsewhere, '.env'),
    ['BUILD_ID', 'SECRET', 'ADMIN_KEY']
      .map((name) => `PERENNIAL_${name}=1.0\n`)
      .concat('POSTGRES_PASSWORD=a\nS3_ACCESS_KEY=b\nS3_SECRET_KEY=c\n')
      .join(''),
  );
  const refusal = promisify(execFile)(join(docker.binFolder, 'docker'), words.split(' '), { cwd: elsewhere });
  await expect(refusal).rejects.toThrow(/stand-in|no such service|Unknown option/);
  await rm(elsewhere, { recursive: true });
});

test('without the secrets that the file wants nothing is started', async () => {
  const elsewhere = await mkdtemp(join(tmpdir(), 'perennial-refused-'));
  await symlink(join(repository, 'docker-compose.yml'), join(elsewhere, 'docker-compose.yml'));
  await writeFile(join(elsewhere, '.env'), 'PERENNIAL_BUILD_ID=1.0\n');
  const refusal = promisify(execFile)(join(docker.binFolder, 'docker'), ['compose', 'up', '--detach'], {
    cwd: elsewhere,
  });
  await expect(refusal).rejects.toThrow(/POSTGRES_PASSWORD is not set/);
  await rm(elsewhere, { recursive: true });
});
