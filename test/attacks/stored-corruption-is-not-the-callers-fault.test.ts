import { randomBytes } from 'node:crypto';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Scope, Sha256 } from '../../contracts/identifiers.ts';
import type { TestApi } from '../support/api.ts';
import { applyBike, startTestApi } from '../support/api.ts';
import { beginRun, seedCode, seedDataset, seedVersion } from '../support/seed-candidate.ts';

let api: TestApi;
let scope: Scope;
beforeAll(async () => {
  api = await startTestApi();
  scope = await applyBike(api);
});
afterAll(() => api.stop());

async function fileOf(sha256: Sha256): Promise<string> {
  const objects = join(api.folder, 'objects');
  const [path] = (await readdir(objects, { recursive: true })).filter((name) => name.endsWith(sha256));
  return join(objects, path ?? '');
}

/** The kinds of damage to stored bytes, each with the error code that reports it. */
const fates = {
  'are altered': { code: 'blob-corrupt', befall: async (sha256: Sha256) => writeFile(await fileOf(sha256), 'other') },
  'are cut to nothing': { code: 'blob-corrupt', befall: async (sha256: Sha256) => writeFile(await fileOf(sha256), '') },
  'are gone': { code: 'blob-missing', befall: async (sha256: Sha256) => rm(await fileOf(sha256)) },
} as const;

/** Every kind of download, made from the bytes of one stored blob. */
const downloads = {
  'rows of a dataset': async (sha256: Sha256) => {
    const version = await seedDataset(api.repositories, scope, api.principals.operator, [
      { sha256, bytes: 1, rows: 1 },
    ]);
    return `/v1/models/bike/datasets/${version.number}/rows`;
  },
  'a difference of datasets': async (sha256: Sha256) => {
    const { operator } = api.principals;
    const version = await seedDataset(api.repositories, scope, operator, [{ sha256, bytes: 1, rows: 1 }]);
    return `/v1/models/bike/datasets/${version.number}/diff/${version.number}`;
  },
  'an archive of code': async (sha256: Sha256) => {
    const version = await seedCode(api.repositories, scope, api.principals.operator, sha256);
    return `/v1/models/bike/code/${version.number}/archive`;
  },
  'an artifact': async (artifact: Sha256) => {
    const { version } = await seedVersion(api.repositories, scope, api.principals.operator, {
      seed: nextSeed(),
      artifact,
    });
    return `/v1/models/bike/versions/${version.number}/artifact`;
  },
  'quarantined rows': async (quarantine: Sha256) => {
    const { operator: by } = api.principals;
    const files = [{ name: 'a.csv', sha256: quarantine, format: 'csv' as const }];
    const runId = await beginRun(api.repositories, scope, { kind: 'data', schemaVersion: 1, files }, by);
    await api.repositories.datasets.refuse(scope, { expectations: [], quarantine, rows: 1 }, { runId, by });
    return `/v1/runs/${runId}/quarantine`;
  },
} as const;

let seeds = 0;
const nextSeed = () => (seeds += 1);

const cases = Object.entries(downloads).flatMap(([name, make]) =>
  Object.entries(fates).map(([fate, { code, befall }]) => ({ name, fate, make, code, befall })),
);

test.each(cases)('$name whose bytes $fate fail as a server error: $code', async ({ make, code, befall }) => {
  const { sha256 } = await api.objectStore.putBytes(randomBytes(200));
  const path = await make(sha256);
  await befall(sha256);
  const { status, body } = await api.send('viewer', `GET ${path}`);
  expect({ status, code: body.code }).toEqual({ status: 500, code });
  expect(body.detail).toContain(sha256);
});

test.each(['rows of a dataset', 'a difference of datasets', 'quarantined rows'] as const)(
  '%s with intact but unreadable bytes fail as a server error',
  async (name) => {
    const { sha256 } = await api.objectStore.putBytes(randomBytes(200));
    expect((await api.send('viewer', `GET ${await downloads[name](sha256)}`)).status).toBe(500);
  },
);

test('an unreadable row of the database is a server error that reveals nothing of the row', async () => {
  const monitor = { kind: 'monitor', schemaVersion: 1, asOf: '2012-01-01T00:00:00.000Z' } as const;
  const runId = await beginRun(api.repositories, scope, monitor, api.principals.operator);
  const client = new Client({ connectionString: api.database.url });
  await client.connect();
  try {
    await client.query(`update runs set request = '{"kind": "secret-word"}' where id = $1`, [runId]);
    for (const path of [`/v1/runs/${runId}`, '/v1/runs']) {
      const { status, text } = await api.send('viewer', `GET ${path}`);
      expect({ path, status }).toEqual({ path, status: 500 });
      expect(text).not.toContain('secret-word');
    }
  } finally {
    await client.query('update runs set request = $2 where id = $1', [runId, monitor]);
    await client.end();
  }
});

test('an upload of the right bytes repairs an altered blob', async () => {
  const bytes = randomBytes(200);
  const { sha256 } = await api.objectStore.putBytes(bytes);
  await writeFile(await fileOf(sha256), 'other');
  const headers = { 'content-type': 'application/octet-stream' };
  expect((await api.send('operator', `PUT /v1/blobs/${sha256}`, bytes, headers)).status).toBe(200);
  expect(await api.objectStore.read(sha256)).toEqual(bytes);
});
