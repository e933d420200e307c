import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { PreparedBatch } from '../../../ports/table-engine.ts';
import { tableEngineBench } from '../../support/table-engine-of-tests.ts';

const bench = tableEngineBench();
const { csv, prepareHere: prepare, look } = bench;

async function valuesOf(batch: PreparedBatch): Promise<unknown> {
  return look(`SELECT * EXCLUDE (id) FROM '${batch.parts[0]?.path}' ORDER BY id`);
}

test('a quoted empty field is empty text in a text column and missing in others, also as the first value', async () => {
  const batch = await prepare([
    await csv('a.csv', 'id,s,n,t\n1,"","",""\n2,,1.5,2026-01-01\n3,"a""",,\n4,"""",2.5,""\n'),
  ]);
  expect(batch.columns.map(({ type }) => type)).toEqual(['integer', 'string', 'number', 'date']);
  expect(await valuesOf(batch)).toEqual([
    { s: '', n: null, t: null },
    { s: null, n: 1.5, t: '2026-01-01' },
    { s: 'a"', n: null, t: null },
    { s: '"', n: 2.5, t: null },
  ]);
  expect(batch.warnings).toContainEqual(expect.objectContaining({ kind: 'empty-text', count: 4 }));
});

test('a column of only empty text is text', async () => {
  const batch = await prepare([await csv('a.csv', 'id,s\n1,""\n2,\n')]);
  expect(await valuesOf(batch)).toEqual([{ s: '' }, { s: null }]);
});

test('a quoted empty field is missing if every field is quoted or data.nulls says so', async () => {
  const all = await prepare([await csv('a.csv', '"id","s"\r\n"1",""\r\n"2","x"')]);
  expect(await valuesOf(all)).toEqual([{ s: null }, { s: 'x' }]);
  const said = await prepare([await csv('a.csv', 'id,s\n1,""\n2,x\n')], { nulls: [''] });
  expect(await valuesOf(said)).toEqual([{ s: null }, { s: 'x' }]);
  expect(said.warnings).toEqual([]);
});

test('a quoted empty field in a pinned numeric column is missing', async () => {
  const pinned = [
    { name: 'id', type: 'integer', nullable: false },
    { name: 'n', type: 'integer', nullable: false },
  ] as const;
  const batch = await prepare([await csv('a.csv', 'id,n\n1,""\n2,5\n')], { pinned });
  expect(await valuesOf(batch)).toEqual([{ n: null }, { n: '5' }]);
});

test('every value survives an export as CSV: any text, floats, integers, days and times', async () => {
  const file = await bench.parquet(
    'a.parquet',
    `SELECT * FROM (VALUES
      (1, '', 1e308::DOUBLE, 9223372036854775807, DATE '0001-01-01', TIMESTAMP '0001-02-03 04:05:06.000001', TIMESTAMPTZ '2026-03-29 01:30:00+00', true),
      (2, NULL, 5e-324, -9223372036854775808, DATE '9999-12-31', TIMESTAMP '9999-12-31 23:59:59.999999', NULL, NULL),
      (3, ' a ', -0.1, 0, NULL, NULL, TIMESTAMPTZ '1900-01-01 00:00:00.5+00', false),
      (4, 'x' || chr(10) || '"y",' || chr(13), 1e16, NULL, NULL, NULL, NULL, NULL),
      (5, '=1+1', 0.1, 7, NULL, NULL, NULL, NULL),
      (6, '''@', NULL, 7, NULL, NULL, NULL, NULL),
      (7, '#NULL', 123456789012345680::DOUBLE, 7, NULL, NULL, NULL, NULL),
      (8, 'é€😀', 2.5, 7, NULL, NULL, NULL, NULL)) AS t(id, "s ""q"", é", d, i, day, local, instant, b)`,
  );
  const first = await prepare([file]);
  const path = join(bench.folder(), 'rows.csv');
  const parts = first.parts.map((part) => part.path);
  await bench.engine.exportRows({ parts, format: 'csv', path });
  const again = await prepare([{ name: 'rows.csv', path, format: 'csv' }]);
  expect(again.columns).toEqual(first.columns);
  expect(again.parts[0]?.sha256).toBe(first.parts[0]?.sha256);
  expect(await readFile(path, 'utf8')).toContain('5,=1+1,');
});

test('rows of a single column survive: empty text as two quotes, a missing value as a blank line', async () => {
  const first = await prepare([await csv('a.csv', 's\n""\n\nb\n')]);
  const path = join(bench.folder(), 'rows.csv');
  await bench.engine.exportRows({ parts: first.parts.map((part) => part.path), format: 'csv', path });
  const again = await prepare([{ name: 'rows.csv', path, format: 'csv' }]);
  expect(again.parts[0]?.sha256).toBe(first.parts[0]?.sha256);
  expect(again.rowsAdded).toBe(3);
});
