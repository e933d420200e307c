import { join } from 'node:path';
import { expect, test } from 'vitest';
import { referenceOf } from '../../activities/measurement/reference-of.ts';
import { countedFeature, countedPrediction, wantedOf } from '../../activities/monitoring/counted-window.ts';
import type { DriftPolicy } from '../../activities/monitoring/drift-of.ts';
import { driftOf } from '../../activities/monitoring/drift-of.ts';
import { qualityOf } from '../../activities/monitoring/quality-of.ts';
import type { Cell } from '../../contracts/data/data-types.ts';
import { tableEngineBench } from '../support/table-engine-of-tests.ts';

const bench = tableEngineBench();
const rows = 3_000;
const cells = (of: (row: number) => Cell): Cell[] => Array.from({ length: rows }, (_, row) => of(row));
const sql = (cell: Cell): string => (cell === null ? 'NULL' : `'${cell}'`);

/** For each column: its type in a segment, its training values and its served values. */
const columns: Record<string, readonly [type: string, trained: Cell[], served: Cell[]]> = {
  spread: ['DOUBLE', cells((row) => Math.sin(row) * 10), cells((row) => Math.sin(row * 3) * 12 + 1)],
  singles: ['DOUBLE', cells((row) => (row % 50) / 10), cells((row) => Math.fround((row % 60) / 10))],
  tied: ['DOUBLE', cells((row) => (row % 3 === 0 ? row / 7 : 0.1)), cells((row) => (row % 2 === 0 ? 0.1 : row))],
  missing: ['DOUBLE', cells((row) => row / 3), cells((row) => (row % 4 === 0 ? null : row / 2))],
  infinite: ['DOUBLE', cells((row) => row / 3), cells((row) => (row % 5 === 0 ? Infinity : -row / 2))],
  codes: ['DOUBLE', cells((row) => row % 7), cells((row) => (row * row) % 9)],
  words: ['VARCHAR', cells((row) => `w${row % 40}`), cells((row) => (row % 9 === 0 ? null : `w${(row * 7) % 44}`))],
  flags: ['BOOLEAN', cells((row) => row % 3 === 0), cells((row) => row % 2 === 0)],
  asNumbers: ['DOUBLE', cells((row) => row % 3 === 0), cells((row) => (row % 2 === 0 ? 1 : 0))],
  asTexts: ['VARCHAR', cells((row) => row / 7), cells((row) => (row % 10 === 0 ? ' ' : ` ${row / 9}`))],
  gone: ['BOOLEAN', cells((row) => row / 7), cells(() => null)],
};
const features = Object.entries(columns).map(([name, [, trained]]) => referenceOf(name, trained));
const prediction = referenceOf('prediction', columns.spread![1], 'numeric');

async function windowOf(policy: DriftPolicy) {
  const names = Object.keys(columns);
  const typed = names.map((name) => {
    const [type, , served] = columns[name]!;
    const list = served.map(sql).join(', ');
    return `unnest([${list}]::${type}[]) AS "f_${name}"`;
  });
  const predictions = columns.spread![2].map(sql).join(', ');
  const { path } = await bench.parquet(
    'segment.parquet',
    `SELECT 'p' || i AS id, happened AS event_time, happened AS recorded_at, repeat('a', 64) AS release, 3::BIGINT AS model_version,
      1::BIGINT AS generation, 'champion' AS role, false AS replay, * EXCLUDE (i, happened) FROM (
      SELECT unnest(range(${rows})) AS i, TIMESTAMP '2026-01-01 00:00:00' AS happened, unnest([${predictions}]::DOUBLE[]) AS prediction, ${typed.join(', ')})`,
  );
  return bench.engine.readServed({
    segments: [path],
    from: '2026-01-01T00:00:00.000Z',
    to: '2026-01-02T00:00:00.000Z',
    path: join(bench.folder(), 'served.columns'),
    ...wantedOf({ features, prediction }, policy),
  });
}

test.each(['psi', 'jensen-shannon', 'total-variation', 'ks', 'wasserstein'] as const)(
  'with the test %s, values that the table engine counted give the same report as the values themselves',
  async (numeric) => {
    const policy: DriftPolicy = { numeric, categorical: 'psi', threshold: 0.2, exclude: [], minFeatures: 1 };
    const served = await windowOf(policy);
    expect(served).toMatchObject({
      rows,
      failed: 0,
      repeatedIds: null,
      releases: [{ modelVersion: 3, predictions: rows }],
    });
    const quality = { range: 0.1, categories: 0.1 };
    for (const feature of features) {
      const given = columns[feature.name]![2];
      const counted = await countedFeature(served, feature, policy);
      const [here, expected] = [counted, given].map((values) => driftOf(feature, values, 'feature', policy));
      // New categories come in the order of their frequency, on which the random draws depend.
      expect({ ...here, critical: 0, distribution: null }).toEqual({ ...expected, critical: 0, distribution: null });
      expect(here?.drifted).toBe(expected?.drifted);
      if (feature.kind === 'numeric') expect(here).toEqual(expected);
      expect(qualityOf(feature, counted, quality)).toMatchObject(
        qualityOf(feature, given, quality).map(({ detail: _detail, ...result }) => result),
      );
    }
    const answered = await countedPrediction(served, prediction, policy);
    expect(driftOf(prediction, answered, 'prediction', policy)).toEqual(
      driftOf(prediction, columns.spread![2], 'prediction', policy),
    );
  },
);
