import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StoringDependencies } from '../../activities/activity-dependencies.ts';
import { createCommitDataset } from '../../activities/data/commit-dataset.ts';
import { createPrepareDataset } from '../../activities/data/prepare-dataset.ts';
import { createProfileDataset } from '../../activities/data/profile-dataset.ts';
import { Configuration } from '../../contracts/configuration/configuration.ts';
import type { ConfigurationInput } from '../../contracts/configuration/configuration.ts';
import type { PerennialError } from '../../contracts/errors.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import type { RunOutcome } from '../../contracts/runs/run.ts';
import type { TestApi } from '../support/api.ts';
import { bikeInput, startTestApi } from '../support/api.ts';
import { beginRun } from '../support/seed-candidate.ts';

let api: TestApi;
let deps: StoringDependencies;
beforeAll(async () => {
  api = await startTestApi();
  const { repositories, objectStore, tableEngine, folder } = api;
  // Only the dependencies that ingestion uses.
  deps = { repositories, objectStore, tableEngine, scratchFolder: folder } as unknown as StoringDependencies;
});
afterAll(() => api.stop());

async function apply(name: string, data: Partial<ConfigurationInput['data']>): Promise<Scope> {
  const configuration = Configuration.parse({ ...bikeInput, name, data: { ...bikeInput.data, ...data } });
  const { scope } = await api.repositories.models.apply(
    'default',
    'production',
    configuration,
    api.principals.operator,
  );
  return scope;
}

type Ingested = { readonly runId: string } & (
  | { readonly outcome: Extract<RunOutcome, { kind: 'data' }> }
  | { readonly failure: PerennialError }
);

/** Runs the steps of the data pipeline without Temporal. */
async function ingest(scope: Scope, csv: string): Promise<Ingested> {
  const { sha256 } = await api.objectStore.putBytes(Buffer.from(csv));
  const files = [{ name: 'rows.csv', sha256, format: 'csv' as const }];
  const request = { kind: 'data' as const, schemaVersion: 1 as const, files };
  const runId = await beginRun(api.repositories, scope, request, api.principals.operator);
  try {
    const { staged } = await createPrepareDataset(deps)({ runId, scope, fetched: null });
    const { profile } = await createProfileDataset(deps)({ runId, scope, staged });
    const outcome = await createCommitDataset(deps)({ runId, scope, staged, profile });
    await api.repositories.runs.succeed(runId, outcome);
    if (outcome.kind !== 'data') throw new Error('it was no ingestion');
    return { runId, outcome };
  } catch (caught) {
    const failure = caught as PerennialError;
    await api.repositories.runs.fail(runId, { code: failure.code, message: failure.message, fields: failure.fields });
    return { runId, failure };
  }
}

const header = 'id,at,temp,cnt\n';

describe('an upsert', () => {
  test('replaces rows, reuses the parts without replaced rows, and appears in the version, the ledger and the diff', async () => {
    const scope = await apply('upserted', { mode: 'upsert' });
    await ingest(scope, `${header}1,2011-01-01 00:00,0.1,10\n2,2011-01-01 01:00,0.2,20\n`);
    await ingest(scope, `${header}3,2011-01-01 02:00,0.3,30\n`);
    const third = await ingest(scope, `${header}2,2011-01-01 01:00,0.2,21\n4,2011-01-01 03:00,0.4,40\n`);
    expect(third).toMatchObject({ outcome: { number: 3, rows: 4, added: 1, skipped: 0, replaced: 1, removed: 0 } });
    const [second, now] = [
      await api.send('viewer', 'GET /v1/models/upserted/datasets/2'),
      await api.send('viewer', 'GET /v1/models/upserted/datasets/3'),
    ];
    expect(now.body).toMatchObject({ rowsAdded: 1, rowsReplaced: 1, rowsRemoved: 0, rowsSkipped: 0 });
    expect(now.body.manifest.parts[0].sha256).not.toBe(second.body.manifest.parts[0].sha256);
    expect(now.body.manifest.parts[1].sha256).toBe(second.body.manifest.parts[1].sha256);
    const [entry] = (await api.send('viewer', 'GET /v1/ledger?model=upserted&kind=dataset.committed')).body.items;
    expect(entry.reason).toMatch(/^1 rows added, 1 replaced, 0 already known;/);
    const diff = await api.send('viewer', 'GET /v1/models/upserted/datasets/2/diff/3');
    expect(diff).toMatchObject({
      status: 200,
      body: {
        before: { number: 2, rows: 3 },
        after: { number: 3, rows: 4 },
        key: 'id',
        rows: { added: 1, removed: 0, changed: 1, unchanged: 2 },
        changedBy: [{ column: 'cnt', rows: 1 }],
        examples: { added: [4], changed: [{ key: 2, column: 'cnt', before: 20, after: 21 }] },
      },
    });
    expect(diff.body.shifts.map(({ column }: { column: string }) => column)).toEqual(['id', 'at', 'temp', 'cnt']);
    expect((await api.send('viewer', 'GET /v1/models/upserted/datasets/2/diff/9')).status).toBe(404);
  });

  test('of known rows creates no new version', async () => {
    const scope = await apply('steady', { mode: 'upsert' });
    const rows = `${header}1,2011-01-01 00:00,0.1,10\n`;
    await ingest(scope, rows);
    expect(await ingest(scope, rows)).toMatchObject({ outcome: { number: 1, unchanged: true, skipped: 1 } });
  });
});

test('a snapshot is the whole dataset, and missing rows also count as new data', async () => {
  const scope = await apply('whole', { mode: 'snapshot' });
  await ingest(scope, `${header}1,2011-01-01 00:00,0.1,10\n2,2011-01-01 01:00,0.2,20\n`);
  expect(await ingest(scope, `${header}2,2011-01-01 01:00,0.2,20\n`)).toMatchObject({
    outcome: { rows: 1, added: 0, skipped: 1, removed: 1 },
  });
});

describe('refused rows', () => {
  test('can be downloaded with file, line and reason, as CSV or Parquet, by everybody who may see the model', async () => {
    const scope = await apply('refused', { expectations: [{ column: 'cnt', range: [0, 100] }] });
    const refused = await ingest(scope, `${header}1,2011-01-01 00:00,0.1,10\n2,2011-01-01 01:00,0.2,-20\n`);
    expect(refused).toMatchObject({ failure: { code: 'expectations-failed', fields: { rows: 1 } } });
    if (!('failure' in refused)) return;
    expect(refused.failure.message).toContain('cnt breaks range in 1 rows (row 2: -20)');
    expect(refused.failure.message).toContain(`perennial data quarantine ${refused.runId}`);
    const csv = await api.send('viewer', `GET /v1/runs/${refused.runId}/quarantine?format=csv`);
    expect(csv.text.trim().split('\n')).toEqual([
      '_file,_line,_row,_broke,id,at,temp,cnt',
      'rows.csv,3,2,cnt: range,2,2011-01-01T01:00:00.000000,0.2,-20',
    ]);
    const parquet = await api.send('viewer', `GET /v1/runs/${refused.runId}/quarantine`);
    expect(parquet.text.slice(0, 4)).toBe('PAR1');
    const stranger = await api.addKey('elsewhere', [{ role: 'viewer', model: 'upserted' }]);
    expect((await api.send(stranger, `GET /v1/runs/${refused.runId}/quarantine`)).status).toBe(403);
  });

  test('do not exist if the dataset as a whole is refused, and the error says so', async () => {
    const scope = await apply('sparse', { expectations: [{ rowCount: { min: 5 } }, { freshness: '1 day' }] });
    const refused = await ingest(scope, `${header}1,2011-01-01 00:00,0.1,10\n`);
    expect(refused).toMatchObject({ failure: { code: 'expectations-failed', fields: { quarantine: null, rows: 0 } } });
    if (!('failure' in refused)) return;
    expect(refused.failure.message).toContain('the dataset breaks rowCount (observed: 1)');
    expect(refused.failure.message).toContain('the dataset breaks freshness (observed: 2011-01-01T05:00:00.000Z)');
    expect(await api.send('viewer', `GET /v1/runs/${refused.runId}/quarantine`)).toMatchObject({
      status: 404,
      body: { detail: expect.stringContaining('not because of single rows') },
    });
  });
});

test("references are checked against the other model's dataset, and an error reports if there is none", async () => {
  const expectations = [{ column: 'temp', references: { model: 'climate', column: 'temp' } }];
  const scope = await apply('referring', { expectations });
  const rows = `${header}1,2011-01-01 00:00,0.1,10\n2,2011-01-01 01:00,0.7,20\n`;
  expect(await ingest(scope, rows)).toMatchObject({ failure: { code: 'not-found' } });
  const climate = await apply('climate', {});
  expect(await ingest(scope, rows)).toMatchObject({ failure: { code: 'no-data', fields: { model: 'climate' } } });
  await ingest(climate, `${header}1,2011-01-01 00:00,0.1,10\n`);
  expect(await ingest(scope, rows)).toMatchObject({
    failure: { code: 'expectations-failed', message: expect.stringContaining('temp breaks references in 1 rows') },
  });
  await ingest(climate, `${header}2,2011-01-01 01:00,0.7,10\n`);
  expect(await ingest(scope, rows)).toMatchObject({ outcome: { rows: 2 } });
  const version = await api.send('viewer', 'GET /v1/models/referring/datasets/1');
  expect(version.body.expectations).toMatchObject([{ check: 'references', observed: 'climate, dataset 2' }]);
});
