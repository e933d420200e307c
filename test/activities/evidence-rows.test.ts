import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { createDiskObjectStore } from '../../adapters/object-store/disk.ts';
import { comparisonLimits, rowDifference } from '../../activities/deployment/evidence/row-difference.ts';
import { DataDifference } from '../../contracts/serving/approval-evidence.ts';
import type { DatasetVersion } from '../../contracts/data/dataset-version.ts';
import type { PreparedBatch } from '../../ports/table-engine.ts';
import { after, tableEngineBench } from '../support/table-engine-of-tests.ts';

type Dataset = Pick<DatasetVersion, 'number' | 'manifest'>;

const bench = tableEngineBench();
const objectStore = createDiskObjectStore(join(bench.root, 'objects'));
const ground = { objectStore, tableEngine: bench.engine, scratchFolder: join(bench.root, 'evidence') };
const hours = (from: number, to: number, temp: (hour: number) => number) =>
  `hour,temp\n${Array.from({ length: to - from }, (_, at) => `${from + at},${temp(from + at)}`).join('\n')}\n`;
let first: Dataset;
let second: Dataset;

beforeAll(async () => {
  const before = await bench.prepareHere(
    [
      await bench.csv(
        'a.csv',
        hours(0, 40, (hour) => hour / 2),
      ),
    ],
    { key: 'hour' },
  );
  first = await datasetOf(1, before, before.parts);
  const next = await bench.prepareHere(
    [
      await bench.csv(
        'b.csv',
        hours(38, 50, () => 100),
      ),
    ],
    {
      ...after(before),
      key: 'hour',
      mode: 'upsert',
    },
  );
  const rewritten = next.known.flatMap((known) => (known.kind === 'rewritten' ? [known.part] : []));
  second = await datasetOf(2, next, [...rewritten, ...next.parts]);
});

async function datasetOf(number: number, batch: PreparedBatch, parts: PreparedBatch['parts']): Promise<Dataset> {
  for (const { path } of parts) await objectStore.putFile(path);
  return {
    number,
    manifest: {
      schemaVersion: 1,
      columns: [...batch.columns],
      timezone: 'UTC',
      key: 'hour',
      rows: parts.reduce((sum, { rows }) => sum + rows, 0),
      parts: parts.map(({ sha256, bytes, rows }) => ({ sha256, bytes, rows })),
    },
  };
}

describe('the data of a request', () => {
  test('is compared row by row with the serving data, and each column by its shift', async () => {
    const { compared, missing } = await rowDifference(ground, first, second);
    expect(missing).toBeNull();
    expect(DataDifference.shape.compared.parse(compared)).toEqual(compared);
    expect(compared).toMatchObject({
      key: 'hour',
      rows: { added: 10, removed: 0, changed: 2, unchanged: 38 },
      changedBy: [{ column: 'temp', rows: 2 }],
      columns: 2,
    });
    const indices = compared?.shifts.map(({ psi }) => psi ?? 0) ?? [];
    expect(indices).toEqual(indices.toSorted((a, b) => b - a));
    const temp = compared?.shifts.find(({ column }) => column === 'temp');
    expect(temp?.psi).toBeGreaterThan(0.2);
    expect(temp?.mean).toEqual({ before: 9.75, after: (0.5 * ((37 * 38) / 2) + 1_200) / 50 });
  });

  test('says why it was not compared (no key, too many rows, too little time), and says nothing if no part differs', async () => {
    const { key: _key, ...keyless } = second.manifest;
    const why = async (of: Dataset, limits = comparisonLimits) =>
      (await rowDifference(ground, first, of, limits)).missing;
    expect(await why({ number: 2, manifest: keyless })).toMatch(
      /without data\.key, .*; run perennial data diff 1 2 to compare/,
    );
    expect(await why(second, { ...comparisonLimits, rows: 80 })).toMatch(
      /the two datasets have 90 rows together, more than the limit of 80/,
    );
    // On a busy machine the answer may be there before the limit is looked at.
    await expect
      .poll(() => why(second, { ...comparisonLimits, timeMs: 1 }), { timeout: 20_000 })
      .toMatch(/was stopped after 0\.001 s/);
    expect(await rowDifference(ground, first, { ...first, number: 2 })).toEqual({ compared: null, missing: null });
    expect(await rowDifference(ground, null, first)).toEqual({ compared: null, missing: null });
  });
});
