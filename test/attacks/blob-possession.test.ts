import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Configuration } from '../../contracts/configuration/configuration.ts';
import { sha256OfBytes } from '../../contracts/digest.ts';
import type { Scope, Sha256 } from '../../contracts/identifiers.ts';
import type { ApiAnswer, TestApi } from '../support/api.ts';
import { applyBike, bikeInput, startTestApi } from '../support/api.ts';
import { beginRun, seedCode, seedDataset, seedVersion } from '../support/seed-candidate.ts';

// The victim works in project `default`. The thief is an operator of project `other` and knows digests of the victim's
// blobs.
let api: TestApi;
let scope: Scope;
let thief: { readonly key: string };
let owner: { readonly key: string };
beforeAll(async () => {
  api = await startTestApi();
  scope = await applyBike(api);
  await api.repositories.models.apply('other', 'production', Configuration.parse(bikeInput), api.principals.operator);
  thief = await api.addKey('thief', [{ role: 'operator', project: 'other' }]);
  owner = await api.addKey('owner', [{ role: 'operator', project: 'default' }]);
});
afterAll(() => api.stop());

type Who = { readonly key: string };
const project = (who: Who) => ({ 'perennial-project': who === thief ? 'other' : 'default' });

function upload(who: Who, sha256: Sha256, bytes: Buffer): Promise<ApiAnswer> {
  const headers = { 'content-type': 'application/octet-stream', ...project(who) };
  return api.send(who, `PUT /v1/blobs/${sha256}`, bytes, headers);
}

/** Every request in which the caller names stored bytes by their digest. */
const requestsThatNameBytes = {
  'an ingestion': (who: Who, sha256: Sha256) =>
    api.send(who, 'POST /v1/models/bike/datasets', { files: [{ name: 'a.csv', sha256, format: 'csv' }] }, project(who)),
  'a snapshot of code': (who: Who, sha256: Sha256) =>
    api.send(who, 'POST /v1/models/bike/code', { archive: sha256 }, project(who)),
};

describe.each(Object.entries(requestsThatNameBytes))('%s', (_name, ask) => {
  test('of bytes that another project uploaded is refused as if the bytes did not exist', async () => {
    const bytes = randomBytes(100);
    const sha256 = sha256OfBytes(bytes);
    expect((await upload(owner, sha256, bytes)).status).toBe(200);
    const unknown = sha256OfBytes(randomBytes(10));
    const [stolen, guessed] = [await ask(thief, sha256), await ask(thief, unknown)];
    expect({ status: stolen.status, code: stolen.body.code }).toEqual({ status: 422, code: 'not-uploaded' });
    const said = (answer: ApiAnswer, digest: Sha256) =>
      JSON.stringify({ ...answer.body, instance: '' }).replaceAll(digest, 'it');
    expect(said(stolen, sha256)).toBe(said(guessed, unknown));
    expect((await ask(owner, sha256)).status).toBe(202);
  });

  test('of bytes that a run of another project produced is refused', async () => {
    const made = await produce();
    for (const sha256 of made) {
      expect({ sha256, code: (await ask(thief, sha256)).body.code }).toEqual({ sha256, code: 'not-uploaded' });
      expect({ sha256, status: (await ask(owner, sha256)).status }).toEqual({ sha256, status: 202 });
    }
  });

  test('is accepted after an upload of the same bytes in full, and they are stored once', async () => {
    const bytes = randomBytes(100);
    const sha256 = sha256OfBytes(bytes);
    await upload(owner, sha256, bytes);
    expect((await upload(thief, sha256, bytes)).body).toEqual({ sha256, bytes: 100, existed: false });
    expect((await upload(thief, sha256, bytes)).body).toEqual({ sha256, bytes: 100, existed: true });
    expect((await ask(thief, sha256)).status).toBe(202);
    expect(await api.objectStore.read(sha256)).toEqual(bytes);
  });

  test('is refused even if the caller has written the digest into a text', async () => {
    const bytes = randomBytes(100);
    const sha256 = sha256OfBytes(bytes);
    await upload(owner, sha256, bytes);
    const configuration = { ...bikeInput, owner: sha256 };
    expect((await api.send(thief, 'PUT /v1/models/bike', configuration, project(thief))).status).toBe(200);
    const theirs = await api.repositories.models.scope('other', 'bike', 'production');
    const runId = await beginRun(api.repositories, theirs, dataRun(sha256), api.principals.operator);
    await api.repositories.datasets.refuse(
      theirs,
      { expectations: [], quarantine: null, rows: 1 },
      { runId, by: api.principals.operator },
    );
    expect((await ask(thief, sha256)).body.code).toBe('not-uploaded');
  });
});

describe('an upload under an existing digest', () => {
  test.each([
    ['other bytes', (bytes: Buffer) => randomBytes(bytes.length)],
    ['a part of them', (bytes: Buffer) => bytes.subarray(0, -1)],
    ['no bytes', () => Buffer.alloc(0)],
  ])('of %s is refused, names both digests and grants nothing', async (_name, wrong) => {
    const bytes = randomBytes(50_000);
    const sha256 = sha256OfBytes(bytes);
    await upload(owner, sha256, bytes);
    const sent = wrong(bytes);
    const { status, body } = await upload(thief, sha256, sent);
    expect({ status, code: body.code }).toEqual({ status: 422, code: 'digest-mismatch' });
    expect(body).toMatchObject({ sha256, found: sha256OfBytes(sent) });
    expect(body.detail).toContain(sha256);
    expect(body.detail).toContain(sha256OfBytes(sent));
    expect(await api.repositories.blobs.has('other', sha256)).toBe(false);
    expect(await api.objectStore.read(sha256)).toEqual(bytes);
  });
});

describe('removed bytes', () => {
  test('belong to no project, so that a request asks to upload them again', async () => {
    const [mine, shared] = [randomBytes(100), randomBytes(100)];
    const seeded = await Promise.all([mine, shared].map((bytes) => api.objectStore.putBytes(bytes)));
    const [rejected, sharedToo] = seeded.map(({ sha256 }) => sha256);
    if (rejected === undefined || sharedToo === undefined) throw new Error('nothing was stored');
    for (const [seed, artifact] of [rejected, sharedToo].entries())
      await seedVersion(api.repositories, scope, api.principals.operator, {
        seed: 1000 + seed,
        artifact,
        verdict: 'rejected',
      });
    await upload(thief, sharedToo, shared);
    const by = api.principals.operator;
    const asOf = new Date().toISOString();
    const build = { kind: 'build', schemaVersion: 1, asOf, automated: false } as const;
    const runId = await beginRun(api.repositories, scope, build, by);
    const before = new Date(Date.now() + 60_000).toISOString();
    const removable = await api.repositories.versions.expireRejected(scope, before, { runId, by });
    expect(removable).toContain(rejected);
    expect(removable).not.toContain(sharedToo);
    expect((await requestsThatNameBytes['an ingestion'](owner, rejected)).body.code).toBe('not-uploaded');
    expect(await api.repositories.blobs.has('other', sharedToo)).toBe(true);
  });
});

function dataRun(sha256: Sha256) {
  const files = [{ name: `${sha256}.csv`, sha256, format: 'csv' as const }];
  return { kind: 'data' as const, schemaVersion: 1 as const, files };
}

let seed = 0;
/** Commits one blob of every kind that runs of project `default` produce, and returns their digests. */
async function produce(): Promise<readonly Sha256[]> {
  const by = api.principals.operator;
  const [part, archive, artifact, reference, quarantine] = Array.from({ length: 5 }, () =>
    sha256OfBytes(randomBytes(10)),
  );
  if (!part || !archive || !artifact || !reference || !quarantine) throw new Error('there are fewer than five');
  await seedDataset(api.repositories, scope, by, [{ sha256: part, bytes: 1, rows: 1 }]);
  await seedCode(api.repositories, scope, by, archive);
  await seedVersion(api.repositories, scope, by, { seed: (seed += 1), archive, artifact, reference });
  const runId = await beginRun(api.repositories, scope, dataRun(sha256OfBytes('a')), by);
  await api.repositories.datasets.refuse(scope, { expectations: [], quarantine, rows: 1 }, { runId, by });
  return [part, archive, artifact, reference, quarantine];
}
