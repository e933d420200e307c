import { expect, test } from 'vitest';
import type { Column } from '../../../contracts/data/data-types.ts';
import { binnedCounts } from '../../../statistics/drift/bin-counts.ts';
import { tieEdges } from '../../../statistics/drift/tie-edges.ts';
import { valueCounts } from '../../../statistics/drift/value-counts.ts';
import { tableEngineBench } from '../../support/table-engine-of-tests.ts';

const bench = tableEngineBench();

async function shiftOf(before: string, after: string, types: readonly [Column['type'], Column['type']]) {
  const side = async (name: string, values: string, type: Column['type']) => {
    const { path } = await bench.parquet(`${name}.parquet`, `SELECT unnest([${values}]) AS x`);
    return { columns: [{ name: 'x', type, nullable: true }], parts: [{ sha256: name, path }] };
  };
  const found = await bench.engine.compare({
    before: await side('a', before, types[0]),
    after: await side('b', after, types[1]),
  });
  return found.shifts[0];
}

test('numbers near the largest have a shift, and a shift that no number can hold is null', async () => {
  const shift = await shiftOf('1e308::DOUBLE, -1e308, 0', '1e308::DOUBLE, 1e308, 1.7e308', ['number', 'number']);
  expect(shift).toMatchObject({ mean: { before: 0 }, nulls: { before: 0, after: 0 } });
  expect(shift?.standardisedDifference).toBeCloseTo(1.2333, 3);
  const wide = await shiftOf('1.7e308::DOUBLE, -1.7e308', '0::DOUBLE, 1', ['number', 'number']);
  expect(wide).toMatchObject({ standardisedDifference: null, counts: { after: expect.any(Array) } });
  const tiny = await shiftOf('5e-324::DOUBLE, 0', '1e308::DOUBLE, 1e308', ['number', 'number']);
  expect(tiny).toMatchObject({ standardisedDifference: null });
});

test('a boolean column that is text now is compared by categories', async () => {
  const shift = await shiftOf('true, false, true', "'true', 'maybe'", ['boolean', 'string']);
  expect(shift).toMatchObject({
    categories: [true, false, null],
    counts: { before: [2, 1, 0], after: [1, 0, 1] },
    mean: { after: null },
    standardisedDifference: null,
  });
});

test('a numeric column that is text now is compared by categories', async () => {
  const shift = await shiftOf('1, 2, 2', "'2', 'two'", ['integer', 'string']);
  expect(shift).toMatchObject({ categories: [2, 1, null], counts: { before: [2, 1, 0], after: [1, 0, 1] } });
});

const tens = Array.from({ length: 100 }, (_, at) => (at < 50 ? 0 : at / 10));
test.each([
  { name: 'many zeros', type: 'number', before: tens, after: [0, 0, -1, 1e-9, 7, 9.9, 12] },
  { name: 'a constant', type: 'number', before: [3.25, 3.25, 3.25], after: [1, 3.25, 4, 4] },
  { name: 'negative ties', type: 'integer', before: [-5, -5, -5, -4, -3, 2, 2, 2], after: [-6, -5, -4, 0, 2, 3] },
  { name: 'no value', type: 'number', before: [], after: [1, 2] },
] as const)('values of $name are counted in bins that separate ties', async ({ type, before, after }) => {
  const stored = type === 'integer' ? 'BIGINT' : 'DOUBLE';
  const listed = (values: readonly number[]): string => [...values, 'NULL'].map((v) => `${v}::${stored}`).join(', ');
  const shift = await shiftOf(listed(before), listed(after), [type, type]);
  const counted = (values: readonly number[]) => valueCounts(values.toSorted((a, b) => a - b));
  const edges = tieEdges(counted(before));
  expect(shift).toMatchObject({
    edges,
    counts: { before: binnedCounts(counted(before), edges), after: binnedCounts(counted(after), edges) },
  });
});
