import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { evidenceTable } from '../../activities/build/evaluation/evidence-table.ts';
import { rowsOfClasses } from '../../activities/build/evaluation/rows-of-classes.ts';
import { columnsThatMiss, referenceOfStored } from '../../activities/measurement/reference-of-stored.ts';
import { referenceOf } from '../../activities/measurement/reference-of.ts';
import { cellIn } from '../../contracts/data/column-batch.ts';
import type { Cell } from '../../contracts/data/data-types.ts';
import type { StoredColumns } from '../../ports/stored-columns.ts';
import type { ColumnData } from '../../ports/table-engine.ts';
import { tableEngineBench } from '../support/table-engine-of-tests.ts';

const AnyCell = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const bench = tableEngineBench();
// More than one batch of 65,536 rows.
const rows = 70_000;
const query = `SELECT sin(i) * 10 AS spread, (i % 50) / 10.0::DOUBLE AS tied, i % 7 AS codes, i AS long_count,
  CASE WHEN i % 3 = 0 THEN NULL ELSE i / 7 END AS missing, NULL::BIGINT AS gone, i % 2 = 0 AS flag,
  CASE WHEN i % 5 = 0 THEN NULL ELSE 'word ' || (i % 40) END AS word, i + 9007199254740990 AS long,
  DATE '2024-01-01' + (i % 90)::INTEGER AS day, TIMESTAMP '2024-01-01' + to_seconds(i) AS _at,
  CASE WHEN i % 11 = 0 THEN -1 ELSE i % 5 END AS filled, CASE WHEN i % 1000 = 3 THEN 'rare' ELSE 'usual' END AS kind
  FROM range(${rows}) AS given(i)`;
const names = ['spread', 'tied', 'codes', 'long_count', 'missing', 'gone', 'flag', 'word', 'long', 'day', 'filled'];
let path: string;
let stored: StoredColumns;
let cells: ColumnData;
beforeAll(async () => {
  ({ path } = await bench.parquet('rows.parquet', query));
  const columns = [...names, '_at', 'kind'];
  const file = join(bench.folder(), 'rows.columns');
  stored = await bench.engine.storeColumns({ files: [path], columns, texts: ['long'], target: 'kind', path: file });
  const texts = ['long', 'day'].map((name) => `${name}::VARCHAR AS ${name}`);
  const numbers = ['codes', 'long_count', 'missing', 'gone', 'filled'].map((name) => `${name}::DOUBLE AS ${name}`);
  const selected = ['spread', 'tied', 'flag', 'word', 'kind', ...texts, ...numbers, 'epoch_ms(_at)::DOUBLE AS _at'];
  const found = await bench.look(`SELECT ${selected.join(', ')} FROM '${path}'`);
  const cellsOf = (name: string): Cell[] => found.map((row) => AnyCell.parse(row[name]));
  cells = { rows, columns: Object.fromEntries(columns.map((name) => [name, cellsOf(name)])) };
});

test('stored columns have the same values as the cells', async () => {
  expect(stored.rows).toBe(rows);
  const found = new Map<string, Cell[]>(stored.layout.names.map((name) => [name, []]));
  for await (const batch of stored.batches())
    for (const [at, name] of batch.layout.names.entries())
      for (let row = 0; row < batch.rows; row += 1) found.get(name)!.push(cellIn(batch, at, row));
  for (const name of [...names, '_at', 'kind']) expect(found.get(name), name).toEqual(cells.columns[name]);
  expect(found.get('text long')).toEqual(cells.columns['long']);
  expect(await stored.numbers('missing')).toEqual(
    Float64Array.from(cells.columns['missing']!, (cell) => (cell === null ? Number.NaN : Number(cell))),
  );
});

test.each(names)('the distribution of the stored column %s is that of its cells', async (name) => {
  expect(await referenceOfStored(stored, name)).toEqual(referenceOf(name, cells.columns[name]!));
});

test('a declared category and the target of a regression keep their kinds', async () => {
  for (const [name, kind] of [
    ['tied', 'categorical'],
    ['codes', 'numeric'],
    ['flag', 'numeric'],
  ] as const)
    expect(await referenceOfStored(stored, name, kind)).toEqual(referenceOf(name, cells.columns[name]!, kind));
});

test('filled values count as missing, also where they decide whether numbers are codes', async () => {
  const unfilled = cells.columns['filled']!.map((cell) => (cell === -1 ? null : cell));
  const count = unfilled.filter((cell) => cell === null).length;
  const expected = referenceOf('filled', unfilled);
  expect(expected.kind).toBe('categorical');
  expect(await referenceOfStored(stored, 'filled', undefined, { value: -1, rows: count })).toEqual(expected);
  const numeric = referenceOf('filled', unfilled, 'numeric');
  expect(await referenceOfStored(stored, 'filled', 'numeric', { value: -1, rows: count })).toEqual(numeric);
  const [lost, ...others] = cells.columns['word']!.filter((cell) => cell === 'word 1');
  const words = cells.columns['word']!.with(cells.columns['word']!.indexOf(lost!), null);
  expect(others.length).toBeGreaterThan(0);
  expect(await referenceOfStored(stored, 'word', undefined, { value: 'word 1', rows: 1 })).toEqual(
    referenceOf('word', words),
  );
});

test('columns that lack values are known', async () => {
  expect([...(await columnsThatMiss(stored, names))].toSorted()).toEqual(['gone', 'missing', 'word']);
});

test('the first rows of each class give the same evidence as all rows', async () => {
  const columns = { features: ['spread', 'missing', 'word'], target: 'kind', classes: ['rare', 'usual'] };
  const table = await evidenceTable(stored, { ...columns, fill: {} });
  expect(table.rows).toBeLessThan(2_000);
  expect(rowsOfClasses(columns, [table])).toEqual(rowsOfClasses(columns, [cells]));
});
