import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import type { TestProject } from 'vitest/node';
import { migrate } from '../../db/connection/migrate.ts';
import { embeddedPostgres } from '../../stack/parts/embedded-postgres.ts';
import type { Part } from '../../stack/parts/part.ts';
import { freePort } from '../../stack/ports.ts';
import { openStateFolder } from '../../stack/state-folder.ts';
import { until } from './until.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** URL of a superuser on the test run's Postgres. The database `perennial_template` there is migrated and empty. */
    postgresAdminUrl: string;
  }
}

/**
 * Starts one real Postgres 18 for the whole test run, on a free port and in a temporary folder, and removes it at the
 * end.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { url, stop } = await startPostgres();
  try {
    await makeTemplate(url);
  } catch (caught) {
    await stop();
    throw caught;
  }
  project.provide('postgresAdminUrl', url);
  return stop;
}

const attemptsAtMost = 3;

/** Settings that replace those of the embedded stack: no test's data outlives the run, so nothing is flushed to disk. */
const settings = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '300' };

async function startPostgres(): Promise<{ url: string; stop: () => Promise<void> }> {
  for (let attempt = 1; ; attempt += 1) {
    const home = await mkdtemp(join(tmpdir(), 'perennial-postgres-'));
    const [port, password] = [await freePort(), randomBytes(16).toString('hex')];
    const { part } = embeddedPostgres(openStateFolder(home), { port, password });
    try {
      const stop = await startPart(part, home);
      return { url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`, stop };
    } catch (caught) {
      await rm(home, { recursive: true, force: true });
      // Another process may have taken the port, or may be creating the same user at the same time.
      if (attempt >= attemptsAtMost) throw caught;
    }
  }
}

/**
 * Starts the server as the stack does, also as root, and waits until it answers. Returns a function that stops it and
 * removes `home`. If the run is interrupted, the server stops too, and what it does not hold is removed.
 */
async function startPart(part: Part, home: string): Promise<() => Promise<void>> {
  const { file, args, env, cwd, user } = await part.command();
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const server = spawn(file, [...args, ...flags], { env, cwd, stdio: ['ignore', 'ignore', 'pipe'], ...user });
  let said = '';
  server.stderr.on('data', (bytes: Buffer) => (said = (said + bytes.toString()).slice(-2_000)));
  const ended = once(server, 'exit');
  const abandon = (): void => {
    server.kill(part.stopSignal);
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  };
  process.once('exit', abandon);
  await until('Postgres answers', async () => {
    if (server.exitCode !== null) throw new Error(`Postgres for the tests did not start: ${said}`);
    return part.answers();
  });
  return async () => {
    process.off('exit', abandon);
    server.kill(part.stopSignal);
    await ended;
    await rm(home, { recursive: true, force: true });
  };
}

async function makeTemplate(adminUrl: string): Promise<void> {
  const admin = new Client({ connectionString: adminUrl });
  await admin.connect();
  try {
    await admin.query('create database perennial_template');
    const template = new URL(adminUrl);
    template.pathname = '/perennial_template';
    await migrate(template.href);
  } finally {
    await admin.end();
  }
}
