import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { referenceOf } from '../../activities/measurement/reference-of.ts';
import { createReportWindow } from '../../activities/monitoring/report-window.ts';
import { storeJson } from '../../activities/steps/workspace.ts';
import { createIdMaker } from '../../adapters/ids/uuid.ts';
import { Configuration } from '../../contracts/configuration/configuration.ts';
import type { Id, Instant, Scope, Sha256 } from '../../contracts/identifiers.ts';
import type { MonitoringWindow } from '../../contracts/monitoring/monitoring-window.ts';
import type { ReportBody } from '../../contracts/monitoring/report.ts';
import type { PredictionRecord } from '../../contracts/serving/prediction.ts';
import type { TableEngine } from '../../ports/table-engine.ts';
import { seededUniform } from '../../statistics/probability/seeded-random.ts';
import type { TestApi } from '../support/api.ts';
import { bikeInput, startTestApi } from '../support/api.ts';
import { beginRun, seedVersion } from '../support/seed-candidate.ts';

const ids = createIdMaker();
const random = seededUniform(3);
const begin = Date.parse('2024-05-01T00:00:00.000Z');
const hour = 3_600_000;
const features = ['temp', 'season'];
const rows = 400;
let api: TestApi;
let scope: Scope;
let by: Id;
let segments: Sha256[];
let about: Pick<MonitoringWindow, 'configurationId' | 'championReleaseId' | 'championVersionId'>;

beforeAll(async () => {
  api = await startTestApi();
  const { repositories, objectStore } = api;
  by = api.principals.operator;
  const configuration = Configuration.parse({
    ...bikeInput,
    data: { ...bikeInput.data, features },
    monitor: { estimate: false, drift: { numeric: 'psi', categorical: 'psi' } },
  });
  ({ scope } = await repositories.models.apply('default', 'production', configuration, by));
  const spread = (of: () => number): number[] => Array.from({ length: 1_000 }, of);
  const reference = {
    schemaVersion: 1,
    features: [
      referenceOf('temp', spread(random)),
      referenceOf(
        'season',
        Array.from(spread(random), (value) => (value < 0.5 ? 'dry' : 'wet')),
      ),
    ],
    target: referenceOf(configuration.data.target, spread(random)),
    prediction: referenceOf('prediction', spread(random)),
  };
  const { version, evaluation } = await seedVersion(repositories, scope, by, {
    seed: 1,
    reference: await storeJson(objectStore, reference),
  });
  const deploy = { kind: 'deploy', schemaVersion: 1, evaluationId: evaluation.id, automated: false } as const;
  const runId = await beginRun(repositories, scope, deploy, by);
  const release = await repositories.deployments.makeRelease(scope, evaluation.id, { runId, by });
  const { id: configurationId } = await repositories.models.currentConfiguration(scope);
  about = { configurationId, championReleaseId: release.id, championVersionId: version.id };
  segments = [];
  for (let place = 0; place < 6; place += 1) segments.push(await addSegment(place, release.digest, version.number));
});
afterAll(() => api?.stop());

/** Stores a segment of an hour, as a gateway would. Some rows have no answer, and some no value of a feature. */
async function addSegment(place: number, release: Sha256, modelVersion: number): Promise<Sha256> {
  const { repositories, objectStore, tableEngine, folder } = api;
  const records = Array.from({ length: rows }, (_, row): PredictionRecord => {
    const at = new Date(begin + place * hour + Math.floor(random() * hour)).toISOString();
    const isAnswered = random() > 0.05;
    return {
      v: 1,
      id: `p${place}-${row}`,
      eventTime: at,
      recordedAt: at,
      release,
      modelVersion,
      generation: 1,
      role: 'champion',
      replay: false,
      features: {
        temp: random() < 0.1 ? null : random() * 1.2,
        season: random() < 0.1 ? null : random() < 0.3 ? 'dry' : 'wet',
      },
      ...(isAnswered ? { prediction: random() } : { prediction: null, error: 'it has no answer' }),
    };
  });
  const inFolder = (name: string): string => join(folder, `${place}-${name}`);
  const paths = { ndjson: inFolder('rows.ndjson'), path: inFolder('segment'), indexPath: inFolder('index.ndjson') };
  await writeFile(paths.ndjson, records.map((record) => `${JSON.stringify(record)}\n`).join(''));
  const { from, to } = await tableEngine.sealSegment({ ...paths, features });
  const { sha256 } = await objectStore.putFile(paths.path);
  const index = `[${(await readFile(paths.indexPath, 'utf8')).trim().split('\n').join(',')}]`;
  const { modelId, environment } = scope;
  const told = { id: ids.next(), gatewayId: ids.next(), modelId, environment, sha256, rows, dropped: 0, from, to };
  await repositories.monitoring.addSegment(told, [index], undefined);
  return sha256;
}

async function reportOf(from: Instant, to: Instant, tableEngine: TableEngine): Promise<Partial<ReportBody>> {
  const { repositories, objectStore, folder } = api;
  const runId = await beginRun(repositories, scope, { kind: 'monitor', schemaVersion: 1, asOf: to }, by);
  const scratchFolder = join(folder, 'scratch');
  const report = createReportWindow({ repositories, objectStore, tableEngine, scratchFolder });
  const window: MonitoringWindow = { schemaVersion: 1, from, to, ...about, segments, dropped: 0 };
  await report({ runId, scope, window: await storeJson(objectStore, window) });
  const { body } = (await repositories.monitoring.reports(scope, { limit: 1 })).items[0]!;
  // These depend on the reports before.
  const { findings: _findings, triggers: _triggers, traffic: _traffic, ...own } = body;
  return own;
}

/** An engine that reads all rows. */
function fromRows(): TableEngine {
  return {
    ...api.tableEngine,
    readServed: ({ summaries: _summaries, distinctIds: _distinctIds, ...request }) =>
      api.tableEngine.readServed(request),
  };
}

const instant = (hours: number): Instant => new Date(begin + hours * hour).toISOString();
const windows = [
  [0, 6],
  [0.5, 5.25],
  [2, 3],
  [1.75, 2.5],
] as const;

async function bothReports(first: number, last: number) {
  const [from, to] = [instant(first), instant(last)];
  return { summed: await reportOf(from, to, api.tableEngine), read: await reportOf(from, to, fromRows()) };
}

test.each(windows)('a report of the hours %d to %d from summaries equals that of the rows', async (first, last) => {
  const { summed, read } = await bothReports(first, last);
  expect(summed).toEqual(read);
  expect(summed.predictions).toBeGreaterThan(100);
  expect(summed.drift?.map(({ column }) => column)).toEqual(expect.arrayContaining(['temp', 'season', 'prediction']));
});

test('a report fetches only segments that its window cuts, once the others are summarised', async () => {
  // The volume is shown in 24 parts of the window. All segments are in the first one.
  const [from, to] = [instant(0.5), instant(200)];
  await reportOf(from, to, api.tableEngine);
  const fetched = vi.spyOn(api.objectStore, 'getFile');
  await reportOf(from, to, api.tableEngine);
  expect(fetched.mock.calls.map(([sha256]) => sha256)).toEqual([segments[0]]);
  fetched.mockRestore();
});

test.each(windows)('with labels, too, for the hours %d to %d', async (first, last) => {
  const labels = segments.flatMap((_, place) =>
    Array.from({ length: rows / 4 }, (_row, row) => ({ id: `p${place}-${row * 4}`, value: random() })),
  );
  await api.repositories.monitoring.addLabels(scope, labels, by);
  const { summed, read } = await bothReports(first, last);
  expect(summed).toEqual(read);
  expect(summed.labelled).toBeGreaterThan(20);
  expect(summed.performance).toMatchObject({ task: 'regression', rows: summed.labelled });
});
