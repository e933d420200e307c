import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findWorkingProgram, programs } from '../../setup/find-program.mjs';
import { freePort } from '../../stack/ports.ts';

export interface RunningMinio {
  readonly endpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
  stop(): Promise<void>;
}

/** Starts a real S3 server on a free port with a folder of its own. Fails with a clear message if MinIO is missing. */
export async function startMinio(): Promise<RunningMinio> {
  const binary = await findMinio();
  const folder = await mkdtemp(join(tmpdir(), 'perennial-minio-'));
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    const child = spawn(
      binary,
      ['server', '--quiet', '--address', `127.0.0.1:${port}`, '--console-address', '127.0.0.1:0', join(folder, 'data')],
      {
        env: {
          HOME: folder,
          PATH: process.env.PATH ?? '',
          MINIO_ROOT_USER: 'perennial',
          MINIO_ROOT_PASSWORD: 'perennial-test',
          MINIO_BROWSER: 'off',
          MINIO_UPDATE: 'off',
        },
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    const endpoint = `http://127.0.0.1:${port}`;
    const stop = async (): Promise<void> => {
      await end(child);
      await rm(folder, { recursive: true, force: true });
    };
    try {
      await answers(endpoint, child);
      return { endpoint, accessKey: 'perennial', secretKey: 'perennial-test', stop };
    } catch (caught) {
      await end(child);
      // Another process may have taken the port between finding and binding it.
      if (attempt < 3) continue;
      await rm(folder, { recursive: true, force: true });
      throw caught;
    }
  }
}

async function findMinio(): Promise<string> {
  const found = await findWorkingProgram(programs.minio, process.env);
  if (found !== undefined) return found;
  throw new Error(
    'MinIO is missing: these tests want a real S3 server; `npm test` sets it up, or name one in PERENNIAL_MINIO',
  );
}

async function answers(endpoint: string, child: ChildProcess): Promise<void> {
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-2000)));
  for (const deadline = Date.now() + 30_000; Date.now() < deadline;) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`MinIO ended before it answered: ${said}`);
    const live = await fetch(`${endpoint}/minio/health/ready`)
      .then((response) => response.ok)
      .catch(() => false);
    if (live) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`MinIO did not answer within 30 s: ${said}`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
