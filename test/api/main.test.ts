import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import type { TestDatabase } from '../support/postgres-of-tests.ts';
import { createTestDatabase } from '../support/postgres-of-tests.ts';

// The API's composition root as a process of its own, as the stack starts it.
const main = new URL('../../api/main.ts', import.meta.url).pathname;
const adminKey = 'an-administrators-key-of-32-characters-or-more';

let database: TestDatabase;
let home: string;
let child: ChildProcess | undefined;
beforeEach(async () => {
  [database, home] = await Promise.all([
    createTestDatabase({ empty: true }),
    mkdtemp(join(tmpdir(), 'perennial-api-main-')),
  ]);
});
afterEach(async () => {
  if (child && child.exitCode === null && child.signalCode === null) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  await database.drop();
  await rm(home, { recursive: true, force: true });
});

interface LogEntry {
  readonly level: string;
  readonly msg: string;
  readonly address?: string;
}

function start(environment: Record<string, string>): {
  readonly process: ChildProcess;
  readonly said: LogEntry[];
  until(message: string): Promise<LogEntry>;
} {
  const started = spawn(process.execPath, [main], {
    env: {
      PATH: process.env['PATH'] ?? '',
      PERENNIAL_HOME: home,
      PERENNIAL_API_PORT: '0',
      DATABASE_URL: database.url,
      TEMPORAL_ADDRESS: '127.0.0.1:1',
      PERENNIAL_SECRET: 'a-secret-of-the-tests-0123456789abcdef',
      ...environment,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  child = started;
  const said: LogEntry[] = [];
  const lines = createInterface({ input: started.stderr });
  lines.on('line', (line) => {
    if (line.startsWith('{')) said.push(JSON.parse(line) as LogEntry);
  });
  return {
    process: started,
    said,
    async until(message) {
      await expect
        .poll(() => said.some(({ msg }) => msg.includes(message)) || started.exitCode !== null, { timeout: 20_000 })
        .toBe(true);
      const found = said.find(({ msg }) => msg.includes(message));
      if (!found) throw new Error(`the API ended before it said "${message}": ${JSON.stringify(said)}`);
      return found;
    },
  };
}

test('the API starts on an empty database without Temporal, serves its administrator, and ends promptly on SIGTERM', async () => {
  const api = start({ PERENNIAL_ADMIN_KEY: adminKey });
  const { address } = await api.until('the API is ready');
  expect((await fetch(`${address}/healthz`)).status).toBe(200);
  const ready = await fetch(`${address}/readyz`);
  expect({ status: ready.status, body: await ready.json() }).toEqual({
    status: 503,
    body: {
      status: 'unready',
      dependencies: { database: 'up', objectStore: 'up', temporal: 'down' },
      disk: 'well',
      sandbox: 'unknown',
    },
  });
  const principals = await fetch(`${address}/v1/principals`, { headers: { authorization: `Bearer ${adminKey}` } });
  const { items } = z.object({ items: z.array(z.looseObject({ name: z.string() })) }).parse(await principals.json());
  // The API has its own principal, with which it requests predictions from the gateways.
  expect(items.toSorted((a, b) => (a.name < b.name ? -1 : 1))).toMatchObject([
    { name: 'admin', grants: [{ role: 'admin' }] },
    { name: 'api', kind: 'service', grants: [{ role: 'operator' }] },
  ]);
  const began = performance.now();
  api.process.kill('SIGTERM');
  const [code] = (await once(api.process, 'exit')) as [number | null];
  expect(code).toBe(0);
  expect(performance.now() - began).toBeLessThan(5_000);
});

test('the API names every invalid setting, and exits', async () => {
  const api = start({ DATABASE_URL: 'mysql://x', PERENNIAL_API_PORT: 'eighty', PERENNIAL_ADMIN_KEY: 'short' });
  const { msg } = await api.until('cannot start');
  expect(msg).toMatch(/DATABASE_URL/);
  expect(msg).toMatch(/PERENNIAL_API_PORT/);
  expect(msg).toMatch(/PERENNIAL_ADMIN_KEY/);
  if (api.process.exitCode === null) await once(api.process, 'exit');
  expect(api.process.exitCode).toBe(1);
});
