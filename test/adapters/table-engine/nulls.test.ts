import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { PrepareBatch, PreparedBatch } from '../../../ports/table-engine.ts';
import { tableEngineBench } from '../../support/table-engine-of-tests.ts';

const bench = tableEngineBench();
const { csv, parquet, prepareHere: prepare, look } = bench;
const nulls = ['NA', '-'];

async function ndjson(text: string): Promise<PrepareBatch['files'][number]> {
  const path = join(bench.folder(), 'a.ndjson');
  await writeFile(path, text);
  return { name: 'a.ndjson', path, format: 'ndjson' };
}

async function rowsOf(batch: PreparedBatch): Promise<unknown> {
  expect(batch.columns.map(({ name, type }) => `${name} ${type}`)).toEqual(['id integer', 'x number', 's string']);
  return look(`SELECT x, s FROM '${batch.parts[0]?.path}' ORDER BY id`);
}

const expected = [
  { x: 0.5, s: 'a' },
  { x: null, s: null },
  { x: null, s: 'NAB' },
];

test('texts in data.nulls are missing in CSV, quoted or not, but not as part of a longer text', async () => {
  const file = await csv('a.csv', 'id,x,s\n1,0.5,a\n2,NA,"NA"\n3,-,NAB\n');
  expect(await rowsOf(await prepare([file], { nulls }))).toEqual(expected);
});

test('texts in data.nulls are missing in NDJSON, also in a numeric column', async () => {
  const file = await ndjson('{"id":1,"x":0.5,"s":"a"}\n{"id":2,"x":"NA","s":"-"}\n{"id":3,"x":"-","s":"NAB"}\n');
  expect(await rowsOf(await prepare([file], { nulls }))).toEqual(expected);
});

test('texts in data.nulls are missing in text columns of Parquet', async () => {
  const file = await parquet(
    'a.parquet',
    "SELECT * FROM (VALUES (1, 0.5::DOUBLE, 'a'), (2, NULL, 'NA'), (3, NULL, 'NAB')) AS t(id, x, s)",
  );
  expect(await rowsOf(await prepare([file], { nulls }))).toEqual(expected);
});
