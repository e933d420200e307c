import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Walk } from '../../activities/deployment/walk-rows.ts';
import type { DatasetRow, DatasetRows } from '../../activities/measurement/dataset-rows.ts';
import { rowsBetween } from '../../activities/measurement/dataset-rows.ts';
import { createDiskObjectStore } from '../../adapters/object-store/disk.ts';
import { Configuration } from '../../contracts/configuration/configuration.ts';
import type { Repositories } from '../../ports/repositories/repositories.ts';
import { tableEngineBench } from '../support/table-engine-of-tests.ts';

const bench = tableEngineBench();
const begin = Date.parse('2026-01-01T00:00:00.000Z');
const instant = (hour: number): string => new Date(begin + hour * 3_600_000).toISOString();
const configuration = Configuration.parse({
  schemaVersion: 1,
  name: 'bike',
  task: 'regression',
  owner: 'demand-team',
  data: {
    source: { path: 'hour.csv' },
    key: 'id',
    timestamp: 'at',
    target: 'y',
    features: ['x', 'word', 'flag', 'big'],
  },
  code: { path: 'train', command: ['python', 'train.py'] },
  build: { holdout: { last: '14 days' } },
});

async function all(rows: DatasetRows): Promise<DatasetRow[]> {
  const found: DatasetRow[] = [];
  for await (const piece of rows.pieces()) {
    expect(piece.length).toBeLessThanOrEqual(1_000);
    found.push(...piece);
  }
  return found;
}

test('any number of rows is read in pieces, in the order of their instants and keys, as often as needed', async () => {
  const store = createDiskObjectStore(join(bench.folder(), 'objects'));
  const perPart = 40_000;
  const parts: unknown[] = [];
  for (const place of [1, 0]) {
    const { path } = await bench.parquet(
      `part-${place}.parquet`,
      // Within a part, rows are not in the order of their instants.
      `SELECT 'k' || lpad(i::VARCHAR, 6, '0') AS id, TIMESTAMP '2026-01-01' + to_hours((i // 100)::INTEGER) AS _at,
        CASE WHEN i % 7 = 0 THEN NULL ELSE i END AS y, i / 2 AS x, CASE WHEN i % 3 = 0 THEN NULL ELSE 'w' || (i % 5) END AS word,
        i % 2 = 0 AS flag, CASE WHEN i = 5 THEN 9007199254740993 ELSE i END::BIGINT AS big
       FROM (SELECT unnest(range(${place * perPart}, ${(place + 1) * perPart})) AS i) ORDER BY hash(i)`,
    );
    const { sha256 } = await store.putFile(path);
    parts.push({ sha256, from: instant(place * 400), to: instant((place + 1) * 400 - 1) });
  }
  const columns = [{ name: 'big', type: 'integer' }];
  const datasets: Pick<Repositories['datasets'], 'get'> = {
    // oxlint-disable-next-line typescript/no-explicit-any -- the rest of a dataset is not read
    get: async () => ({ manifest: { parts, columns } }) as any,
  };
  const rows = await rowsBetween(
    { repositories: { datasets } as Repositories, objectStore: store, tableEngine: bench.engine },
    { datasetVersionId: 'dataset', configuration, from: instant(0), to: instant(790), folder: bench.folder() },
  );
  expect(rows.rows).toBe(79_000);
  const found = await all(rows);
  expect(found.map(({ id }) => id)).toEqual(
    Array.from({ length: 79_000 }, (_, row) => `k${String(row).padStart(6, '0')}`),
  );
  for (const row of [0, 1, 5, 7, 300, 65_535, 65_536, 78_999])
    expect(found[row]).toEqual({
      id: `k${String(row).padStart(6, '0')}`,
      eventTime: instant(Math.floor(row / 100)),
      features: {
        x: row / 2,
        word: row % 3 === 0 ? null : `w${row % 5}`,
        flag: row % 2 === 0,
        big: row === 5 ? '9007199254740993' : row,
      },
      target: row % 7 === 0 ? null : row,
    });
  expect(await all(rows)).toEqual(found);
});

describe('a walk', () => {
  const rowsOf = (count: number): DatasetRows => ({
    rows: count,
    async *pieces() {
      for (let first = 0; first < count; first += 3)
        yield Array.from({ length: Math.min(3, count - first) }, (_, at) => ({
          id: `r${first + at}`,
          eventTime: instant(first + at),
          features: {},
          target: null,
        }));
    },
  });
  const plan = { weight: 40, seed: 'rehearsal/7', generation: 7 };

  test('repeats the rows in order, with an id of its own for each', async () => {
    const walk = new Walk(rowsOf(5), { ...plan, weight: 0 });
    const ids: string[] = [];
    while (ids.length < 12) {
      const { toChampion, toCanary } = await walk.next(12 - ids.length);
      expect(toCanary).toEqual([]);
      ids.push(...toChampion.map(({ id }) => id));
    }
    await walk.close();
    expect(ids).toEqual(Array.from({ length: 12 }, (_, at) => `r${at % 5}/shadow/7/${at}`));
  });

  test('divides the rows by a hash of their ids, and stops at the wanted number for the canary', async () => {
    const walk = new Walk(rowsOf(50), plan);
    let [wanted, champion] = [100, 0];
    while (wanted > 0) {
      const part = await walk.next(wanted);
      expect(part.toCanary.length).toBeLessThanOrEqual(wanted);
      wanted -= part.toCanary.length;
      champion += part.toChampion.length;
    }
    await walk.close();
    expect(walk.passed).toBe(100 + champion);
    expect(100 / walk.passed).toBeGreaterThan(0.3);
    expect(100 / walk.passed).toBeLessThan(0.5);
  });

  test('leaves out refused rows, until none is left', async () => {
    const walk = new Walk(rowsOf(4), { ...plan, weight: 0 });
    const first = await walk.next(2);
    walk.leaveOut(first, [{ id: first.toChampion[1]!.id, feature: 'x', reason: 'refused' }]);
    const seen = new Set<string>();
    for (let time = 0; time < 6; time += 1) for (const { of } of (await walk.next(2)).toChampion) seen.add(of);
    expect(seen).toEqual(new Set(['r0', 'r2', 'r3']));
    for (let time = 0; !walk.isEmpty && time < 10; time += 1) {
      const part = await walk.next(9);
      walk.leaveOut(
        part,
        part.toChampion.map(({ id }) => ({ id, feature: 'x', reason: 'refused' })),
      );
    }
    expect(walk.isEmpty).toBe(true);
    // Rows that are left out count, too, so that a walk over them ends at a bound.
    const { passed } = walk;
    expect(await walk.next(9)).toEqual({ toCanary: [], toChampion: [] });
    expect(walk.passed).toBeGreaterThan(passed);
    await walk.close();
  });
});
