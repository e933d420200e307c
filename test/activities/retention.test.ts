import { Client } from 'pg';
import { platformViewer } from '../../contracts/access/principal.ts';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  createExpirePredictions,
  createExpireRejectedVersions,
} from '../../activities/retention/retention-activities.ts';
import { Configuration } from '../../contracts/configuration/configuration.ts';
import type { Id, Scope, Sha256 } from '../../contracts/identifiers.ts';
import type { LedgerKind } from '../../contracts/ledger/ledger-entry.ts';
import { configuration } from '../db/database-ground.ts';
import type { GarbageGround } from '../support/garbage-ground.ts';
import { layGarbageGround } from '../support/garbage-ground.ts';
import { requests } from '../support/begin-run-of.ts';
import { beginRun, seedApproval, seedDataset, seedVersion } from '../support/seed-candidate.ts';

let ground: GarbageGround;
beforeAll(async () => {
  ground = await layGarbageGround(configuration);
});
afterAll(() => ground?.end());

const day = 24 * 60 * 60_000;
const ago = (days: number): string => new Date(Date.now() - days * day).toISOString();
let models = 0;
let scope: Scope;
/** Each test has its own model, whose rejected versions expire after one millisecond by default. */
beforeEach(() => applyModel({ predictions: '10 days', rejectedVersions: '1ms' }));

async function applyModel(retention: Partial<Configuration['retention']>): Promise<void> {
  const own = Configuration.parse({ ...configuration, name: `model-${(models += 1)}`, retention });
  scope = (await ground.repositories.models.apply('default', 'production', own, ground.by)).scope;
}

function activities() {
  const { repositories, store: objectStore } = ground;
  const parts = { repositories, objectStore };
  return {
    expirePredictions: createExpirePredictions(parts),
    expireRejectedVersions: createExpireRejectedVersions(parts),
  };
}

async function monitorRun(): Promise<Id> {
  const request = { kind: 'monitor', schemaVersion: 1, asOf: ago(0) } as const;
  return beginRun(ground.repositories, scope, request, ground.by);
}

async function buildRun(): Promise<Id> {
  return beginRun(ground.repositories, scope, requests.build, ground.by);
}

async function segment(text: string, daysAgo: number): Promise<Sha256> {
  const sha256 = await ground.put(text);
  const { by: gatewayId } = ground;
  const id = crypto.randomUUID();
  const at = { from: ago(daysAgo + 0.1), to: ago(daysAgo) };
  const { modelId, environment } = scope;
  await ground.repositories.monitoring.addSegment(
    {
      id,
      gatewayId,
      modelId,
      environment,
      sha256,
      rows: 5,
      dropped: 0,
      ...at,
    },
    [],
  );
  return sha256;
}

const isThere = async (sha256: Sha256): Promise<boolean> => (await ground.store.size(sha256)) !== undefined;

async function ledgerOf(kind: LedgerKind) {
  const filter = { project: scope.project, model: scope.model, kind };
  return (await ground.repositories.ledger.list(platformViewer, filter, { limit: 50 })).items;
}

test('predictions past their retention are removed with their bytes, the others stay, and the ledger records what was removed', async () => {
  const [old, young] = [await segment('old', 11), await segment('young', 9)];
  const runId = await monitorRun();
  expect(await activities().expirePredictions({ runId, scope })).toEqual({ segments: 1 });
  expect([await isThere(old), await isThere(young)]).toEqual([false, true]);
  const left = await ground.repositories.monitoring.segments(scope, ago(100), ago(-1));
  expect(left.map((one) => one.sha256)).toEqual([young]);
  const [entry] = await ledgerOf('predictions.expired');
  expect(entry).toMatchObject({ environment: 'production', subject: { rows: 5, segments: [{ sha256: old }] } });
  // A second call changes nothing.
  expect(await activities().expirePredictions({ runId, scope })).toEqual({ segments: 0 });
  expect(await ledgerOf('predictions.expired')).toHaveLength(1);
});

test('a deployment that bakes for weeks keeps nothing past its retention', async () => {
  const runId = await beginRun(ground.repositories, scope, requests.deploy, ground.by);
  const client = new Client({ connectionString: ground.databaseUrl });
  await client.connect();
  await client.query('update runs set recorded_at = $1, started_at = $1 where id = $2', [ago(40), runId]);
  await client.end();
  const old = await segment('logged during the bake', 11);
  expect(await activities().expirePredictions({ runId: await monitorRun(), scope })).toEqual({ segments: 1 });
  expect(await isThere(old)).toBe(false);
});

test('bytes that a younger segment also uses stay', async () => {
  const [old, young] = [await segment('the same rows', 11), await segment('the same rows', 9)];
  expect(old).toBe(young);
  await activities().expirePredictions({ runId: await monitorRun(), scope });
  expect(await isThere(young)).toBe(true);
});

test('retention keeps an object that a row of another kind also references', async () => {
  const sha256 = await segment('handed in as data, too', 11);
  const { repositories, by } = ground;
  await seedDataset(repositories, scope, by, [{ sha256, bytes: 1, rows: 0 }]);
  await activities().expirePredictions({ runId: await monitorRun(), scope });
  expect(await isThere(sha256)).toBe(true);
});

test('an object that is stored again while retention removes it stays available for its new row', async () => {
  const { repositories, store } = ground;
  const bytes = 'made again in the same moment';
  const sha256 = await segment(bytes, 11);
  const racing = {
    ...repositories,
    monitoring: {
      ...repositories.monitoring,
      async expireSegments(...given: Parameters<typeof repositories.monitoring.expireSegments>) {
        const digests = await repositories.monitoring.expireSegments(...given);
        // Another run stores the same bytes now and writes its row later.
        if (digests.includes(sha256)) await store.putBytes(Buffer.from(bytes));
        return digests;
      },
    },
  };
  const expirePredictions = createExpirePredictions({ repositories: racing, objectStore: store });
  expect(await expirePredictions({ runId: await monitorRun(), scope })).toEqual({ segments: 1 });
  expect(await isThere(sha256)).toBe(true);
});

async function version(text: string, verdict: 'candidate' | 'rejected') {
  const artifact = await ground.put(text);
  const seeded = await seedVersion(ground.repositories, scope, ground.by, { seed: (models += 1), artifact, verdict });
  // Retention counts from the rejection, which must lie in the past.
  await new Promise((resolve) => setTimeout(resolve, 5));
  return { artifact, ...seeded };
}

test('a rejected version past its retention loses its bytes and keeps its row and a ledger entry; a candidate keeps its bytes', async () => {
  const rejected = await version('rejected', 'rejected');
  const candidate = await version('candidate', 'candidate');
  const runId = await buildRun();
  await activities().expireRejectedVersions({ runId, scope });
  expect([await isThere(rejected.artifact), await isThere(candidate.artifact)]).toEqual([false, true]);
  expect((await ground.repositories.versions.get(rejected.version.id)).artifact).toBe(rejected.artifact);
  expect((await ledgerOf('version.expired')).map((entry) => entry.subject['modelVersionId'])).toEqual([
    rejected.version.id,
  ]);
  await activities().expireRejectedVersions({ runId, scope });
  expect(await ledgerOf('version.expired')).toHaveLength(1);
});

test("a release's artifact is never removed, even if its version was rejected later", async () => {
  const released = await version('released', 'candidate');
  await seedApproval(ground.repositories, scope, ground.by, released);
  const { repositories, by } = ground;
  const again = await beginRun(repositories, scope, buildRequest, by);
  const body = { ...released.evaluation.body, verdict: 'rejected' as const };
  const judged = { modelVersionId: released.version.id, championVersionId: null, digest: 'e'.repeat(64), body };
  await repositories.evaluations.commit(scope, judged, { runId: again, by });
  await activities().expireRejectedVersions({ runId: await buildRun(), scope });
  expect(await isThere(released.artifact)).toBe(true);
  expect(await ledgerOf('version.expired')).toEqual([]);
});

const buildRequest = { kind: 'build', schemaVersion: 1, asOf: ago(1), automated: false } as const;

test('a rejected version stays within its retention', async () => {
  await applyModel({ rejectedVersions: '1 day' });
  const { artifact } = await version('fresh', 'rejected');
  await activities().expireRejectedVersions({ runId: await buildRun(), scope });
  expect(await isThere(artifact)).toBe(true);
});

test('a rejected version that is trained again works, is not garbage, and expires again', async () => {
  const { artifact, version: first, evaluation } = await version('trained twice', 'rejected');
  const { repositories, by } = ground;
  await activities().expireRejectedVersions({ runId: await buildRun(), scope });
  expect(await isThere(artifact)).toBe(false);

  // The same training produces the same bytes, and so gets the existing version.
  await ground.put('trained twice');
  const runId = await beginRun(repositories, scope, buildRequest, by);
  const { id: _id, modelId: _modelId, number: _number, recordedAt: _at, recordedBy: _by, ...made } = first;
  const again = await repositories.versions.commit(scope, { ...made, runId }, { by, leaseHolder: 'nobody' });
  expect(again.id).toBe(first.id);
  const judged = {
    modelVersionId: first.id,
    championVersionId: null,
    digest: evaluation.digest,
    body: evaluation.body,
  };
  await repositories.evaluations.commit(scope, judged, { runId, by });
  await repositories.runs.cancel(runId, 'seeded');

  await ground.collect();
  expect(await isThere(artifact)).toBe(true);
  await new Promise((resolve) => setTimeout(resolve, 5));
  await activities().expireRejectedVersions({ runId: await buildRun(), scope });
  expect(await isThere(artifact)).toBe(false);
  expect(await ledgerOf('version.expired')).toHaveLength(2);
});

test('a new training that gives other bytes than the expired version fails with a conflict', async () => {
  const { version: first } = await version('not reproducible', 'rejected');
  const { repositories, by } = ground;
  const runId = await buildRun();
  await activities().expireRejectedVersions({ runId, scope });
  const { id: _id, modelId: _modelId, number: _number, recordedAt: _at, recordedBy: _by, ...made } = first;
  await expect(
    repositories.versions.commit(scope, { ...made, artifact: 'a'.repeat(64), runId }, { by, leaseHolder: 'nobody' }),
  ).rejects.toMatchObject({ code: 'conflict' });
});
