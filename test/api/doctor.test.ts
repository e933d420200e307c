import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { claimScratch } from '../../adapters/scratch/claimed-scratch.ts';
import type { Problem } from '../../contracts/runs/diagnosis.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import { identityOf } from '../../stack/processes/process-identity.ts';
import { cli } from '../cli/run-cli.ts';
import type { TestApi } from '../support/api.ts';
import { applyBike, startTestApi } from '../support/api.ts';
import { seedVersion } from '../support/seed-candidate.ts';
import { tamper } from '../support/tamper.ts';

let api: TestApi;
let scope: Scope;
beforeEach(async () => {
  api = await startTestApi();
  scope = await applyBike(api);
});
afterEach(() => api.stop());

/** Returns all pages of an examination. */
async function examine(given: { readonly fix?: boolean; readonly deep?: boolean } = {}): Promise<Problem[]> {
  const problems: Problem[] = [];
  let cursor: string | undefined;
  do {
    const { status, body } = await api.send('admin', 'POST /v1/doctor', { ...given, cursor });
    expect(status).toBe(200);
    problems.push(...body.items);
    cursor = body.next;
  } while (cursor !== undefined);
  return problems;
}

const of = (problems: readonly Problem[], check: Problem['check']) => problems.filter((one) => one.check === check);

async function doctor(...args: string[]) {
  const url = await api.api.listen({ host: '127.0.0.1', port: 0 });
  return cli(['doctor', '--url', url, '--key', api.keys.admin, ...args]);
}

test('an installation without problems is healthy', async () => {
  expect(await examine({ deep: true })).toEqual([]);
  const { code, stdout } = await doctor();
  expect(code).toBe(0);
  expect(stdout).toMatch(/ledger\s+1\s+healthy/);
});

test('only an administrator of everything may examine, with a cursor that an earlier page gave', async () => {
  expect((await api.send('operator', 'GET /v1/doctor')).status).toBe(403);
  expect((await api.send('operator', 'POST /v1/doctor', { fix: true })).status).toBe(403);
  expect((await api.send('admin', 'GET /v1/doctor?cursor=nonsense')).status).toBe(400);
});

test('a tampered chain is named, and not repaired', async () => {
  await tamper(api.database, "update ledger set reason = 'never' where model_id = $1", [scope.modelId]);
  const what: unknown = expect.stringContaining('entry 1 was changed');
  expect(await examine({ fix: true })).toMatchObject([
    { check: 'ledger', subject: 'the ledger of default/bike', state: 'found', what },
  ]);
  const { code, stdout, stderr } = await doctor();
  expect(code).toBe(1);
  expect(stdout).toMatch(/ledger\s+1\s+1 problem/);
  expect(stderr).toContain('1 problem found and not repaired');
});

test('missing bytes that a version refers to are named, with the reference and where they are used', async () => {
  const { sha256: artifact } = await api.objectStore.putBytes(Buffer.from('a model'));
  const { version } = await seedVersion(api.repositories, scope, api.principals.operator, { seed: 1, artifact });
  const before = of(await examine(), 'bytes').map((one) => one.subject);
  expect(before).not.toContain(`blob ${artifact}`);
  // The other blobs of the seeded version were never stored.
  expect(before).toContain(`blob ${version.reference}`);
  await api.objectStore.remove(artifact);
  const missing = of(await examine(), 'bytes').find((one) => one.subject === `blob ${artifact}`);
  expect(missing?.what).toContain(`it is missing from the object store, but version ${version.number} of default/bike`);
  expect(missing?.state).toBe('found');
});

test('bytes that do not match their digest are found by a deep examination only', async () => {
  const { sha256: artifact } = await api.objectStore.putBytes(Buffer.from('a model'));
  await seedVersion(api.repositories, scope, api.principals.operator, { seed: 1, artifact });
  await writeFile(join(api.folder, 'objects', artifact.slice(0, 2), artifact), 'another');
  const named = (problems: readonly Problem[]) => problems.find((one) => one.subject === `blob ${artifact}`)?.what;
  expect(named(await examine())).toBeUndefined();
  expect(named(await examine({ deep: true }))).toContain('the bytes in the object store do not match its SHA-256');
});

test("Temporal's schedules are changed to match the rows, in both directions, and each repair is reported", async () => {
  const nightly = { cron: '0 3 * * *', timezone: 'UTC', paused: false, overlap: 'skip' } as const;
  await api.repositories.schedules.put(scope, 'lost', nightly, api.principals.operator);
  await api.repositories.schedules.put(scope, 'other', nightly, api.principals.operator);
  await api.temporal.setSchedule(scope, 'other', { ...nightly, cron: '5 5 * * *' });
  await api.temporal.setSchedule(scope, 'stray', nightly);
  const found = of(await examine(), 'schedules');
  expect(found.map(({ subject, what, state }) => [subject, what, state])).toEqual([
    ['schedule bike/production/schedule/lost', 'Temporal does not have the schedule', 'found'],
    ['schedule bike/production/schedule/other', 'other times', 'found'],
    ['schedule bike/production/schedule/stray', 'it exists in Temporal, but not in the database', 'found'],
  ]);
  expect(of(await examine({ fix: true }), 'schedules').map((one) => one.state)).toEqual(['mended', 'mended', 'mended']);
  expect(of(await examine(), 'schedules')).toEqual([]);
});

test('an unreachable part is a problem of its own, and the other parts are still examined', async () => {
  const nightly = { cron: '0 3 * * *', timezone: 'UTC', paused: false, overlap: 'skip' } as const;
  await api.repositories.schedules.put(scope, 'nightly', nightly, api.principals.operator);
  api.temporal.away = true;
  expect(await examine()).toMatchObject([{ check: 'schedules', what: 'Temporal is away' }]);
});

test('working folders of ended processes are removed, and those of running ones stay', async () => {
  const mine = await claimScratch(api.folder, 'worker', identityOf);
  const root = join(api.folder, 'scratch');
  const leave = async (name: string, owner?: object): Promise<void> => {
    await mkdir(join(root, name, 'tables'), { recursive: true });
    if (owner) await writeFile(join(root, name, 'owner.json'), JSON.stringify(owner));
  };
  await leave('worker-killed', { pid: process.pid, identity: 'an earlier process of this number', host: hostname() });
  await leave('worker-elsewhere', { pid: 1, identity: 'unseen from here', host: 'another-machine' });
  await leave('activities');
  await leave('api-starting');
  const longAgo = new Date(Date.now() - 8 * 24 * 60 * 60_000);
  await utimes(join(root, 'activities'), longAgo, longAgo);
  const subjects = async (fix: boolean) => of(await examine({ fix }), 'scratch').map((one) => [one.subject, one.state]);
  expect(await subjects(false)).toEqual([
    ['scratch folder activities', 'found'],
    ['scratch folder worker-killed', 'found'],
  ]);
  expect(await subjects(true)).toEqual([
    ['scratch folder activities', 'mended'],
    ['scratch folder worker-killed', 'mended'],
  ]);
  const left = await readdir(root);
  expect(left.toSorted()).toEqual(['api-starting', mine.slice(root.length + 1), 'worker-elsewhere'].toSorted());
});

test('--fix exits with 0 if every problem was repaired', async () => {
  await api.temporal.setSchedule(scope, 'stray', {
    cron: '0 3 * * *',
    timezone: 'UTC',
    paused: false,
    overlap: 'skip',
  });
  const { code, stdout } = await doctor('--fix', '--json');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ healthy: true, problems: [{ check: 'schedules', state: 'mended' }] });
});
