import { expect, test } from 'vitest';
import { mergeProfile } from '../../activities/data/merge-profile.ts';
import type { DatasetProfile } from '../../contracts/data/dataset-version.ts';
import type { PartFacts } from '../../contracts/data/part-summary.ts';
import { after, tableEngineBench } from '../support/table-engine-of-tests.ts';

const bench = tableEngineBench();

/** Facts of a part of as many times its rows. */
function larger(facts: PartFacts, times: number): PartFacts {
  const pieces = facts.pieces.map((piece) => ({
    ...piece,
    count: piece.count * times,
    nulls: piece.nulls * times,
    squares: piece.squares === null ? null : piece.squares * times,
  }));
  return { ...facts, pieces };
}

const columns = 'id,big,share,flag,word,day,moment';
const row = (id: number) => {
  const share = id % 4 === 0 ? '' : String(id / 8 - 1);
  return `${id},90071992547409${90 + id},${share},${id % 3 === 0},w${id % 5},2026-01-${id + 10},2026-01-01T00:00:${id + 10}Z`;
};

test('merged pieces are the profile of all rows, apart from distinct values, quantiles, histograms and top values', async () => {
  const file = (from: number, to: number) =>
    bench.csv('rows.csv', `${columns}\n${Array.from({ length: to - from }, (_, at) => row(from + at)).join('\n')}\n`);
  const first = await bench.prepareHere([await file(5, 12)], { key: 'id' });
  const second = await bench.prepareHere([await file(0, 5)], { key: 'id', ...after(first) });
  const parts = [...first.parts, ...second.parts];
  const whole = await bench.engine.profile(
    parts.map(({ path }) => path),
    second.columns,
  );
  const facts = second.summaries.map((summary) => larger(summary.facts, 20_000));
  const last = { number: 7, columns: first.columns, profile: first.profile };
  const merged = mergeProfile(last, second.columns, { facts, rowsChanged: 5 });
  expect(merged?.asOf).toEqual({ number: 7, rowsChangedSince: 5 });
  for (const [at, column] of (merged?.columns ?? []).entries()) {
    const { name, count, nulls, min, max, mean, standardDeviation } = whole.columns[at]!;
    expect(column).toMatchObject({ name, count: count * 20_000, nulls: nulls * 20_000, min, max });
    // The values of "big" are larger than their differences by so much that rounding hides the differences.
    if (name !== 'big') {
      expect(column.mean === null ? null : column.mean.toPrecision(12)).toBe(
        mean === null ? null : mean.toPrecision(12),
      );
      const values = count - nulls;
      // The larger sample has another divisor.
      const squares = (standardDeviation ?? 0) ** 2 * (values - 1) * 20_000;
      const scaled = standardDeviation === null ? null : Math.sqrt(squares / (values * 20_000 - 1));
      expect(column.standardDeviation?.toPrecision(12)).toBe(scaled?.toPrecision(12));
    }
    expect(column.distinct).toBe(first.profile?.columns[at]?.distinct);
  }
});

const piece = { name: 'a', count: 200_000, nulls: 0, min: 1, max: 9, mean: 5, squares: 4 };
const facts: PartFacts = {
  schemaVersion: 1,
  stored: [{ name: 'a', type: 'BIGINT' }],
  key: null,
  bounds: null,
  pieces: [piece],
};
const column = { name: 'a', type: 'integer' as const, nullable: false };
const profile: DatasetProfile = {
  schemaVersion: 1,
  columns: [{ ...piece, distinct: 9, standardDeviation: 1, quantiles: null, histogram: null, top: [] }],
};
const last = { number: 3, columns: [column], profile };

test('the version that was profiled in full stays the same from append to append', () => {
  const next = mergeProfile(last, [column], { facts: [facts], rowsChanged: 10 });
  const after2 = mergeProfile({ ...last, number: 4, profile: next }, [column], { facts: [facts], rowsChanged: 5 });
  expect(after2?.asOf).toEqual({ number: 3, rowsChangedSince: 15 });
});

test.each([
  ['there is no earlier version', undefined, [column], [facts], 1],
  ['the earlier version has no profile', { ...last, profile: null }, [column], [facts], 1],
  ['a column is new', last, [column, { ...column, name: 'b' }], [facts], 1],
  ['a column has another type', last, [{ ...column, type: 'number' as const }], [facts], 1],
  ['a part has no summary', last, [column], [facts, undefined], 1],
  ['more than a tenth of the rows have changed', last, [column], [facts], 20_001],
  ['the dataset is small', last, [column], [larger(facts, 0.1)], 1],
  ['a piece has no moments', last, [column], [{ ...facts, pieces: [{ ...piece, mean: null }] }], 1],
])('every row is profiled again if %s', (_reason, before, now, found, rowsChanged) => {
  expect(mergeProfile(before, now, { facts: found, rowsChanged })).toBeNull();
});
