import { describe, expect, test } from 'vitest';
import type { PrepareBatch } from '../../../ports/table-engine.ts';
import { tableEngineBench } from '../../support/table-engine-of-tests.ts';

const bench = tableEngineBench();

/** Prepares and profiles a file, as an ingestion does. */
async function ingest(file: PrepareBatch['files'][number], timestamp?: string) {
  const batch = await bench.engine.prepareBatch({
    files: [file],
    pinned: null,
    known: [],
    timezone: 'UTC',
    required: [],
    expectations: [],
    outputFolder: bench.folder(),
    timestamp,
  });
  const paths = batch.parts.map(({ path }) => path);
  return (await bench.engine.profile(paths, batch.columns)).columns;
}

describe('numbers at the limits of their type', () => {
  test.each([
    ['one extreme value among many', ['1', '2', '1e+308', '3'], 2.5e307, 5e307],
    ['only extreme values', ['1e+308', '1e+308', '1e+308', '1e+308'], 1e308, 0],
    ['extreme values of both signs', ['-1e+308', '1e+308', '-1e+308', '1e+308'], 0, 1.1547e308],
    ['values whose spread exceeds every number', ['-1.7e+308', '1.7e+308', '-1.7e+308', '1.7e+308'], 0, null],
  ])('are profiled: %s', async (_name, values, mean, deviation) => {
    const rows = values.map((value, id) => `${id},${value}`).join('\n');
    const [, x] = await ingest(await bench.csv('a.csv', `id,x\n${rows}\n`));
    const scaled = (value: number | null | undefined) => (typeof value === 'number' ? value / 1e308 : null);
    const nearly = (wanted: number | null) => (wanted === null ? null : expect.closeTo(wanted / 1e308, 4));
    expect([x?.mean, x?.standardDeviation].map(scaled)).toEqual([nearly(mean), nearly(deviation)]);
    expect(x?.histogram?.edges.every((edge) => Number.isFinite(edge))).toBe(true);
    expect(x?.quantiles?.every((value) => Number.isFinite(value))).toBe(true);
  });

  test('integers of more than 64 bits are kept as text, digit by digit', async () => {
    const file = await bench.parquet('a.parquet', 'SELECT 18446744073709551615::UBIGINT AS x');
    expect(await ingest(file)).toMatchObject([{ name: 'x', min: '18446744073709551615' }]);
  });
});

describe('times outside the four-digit years', () => {
  test.each([
    ["TIMESTAMP '10000-01-01 00:00:00'", '10000-01-01'],
    ["TIMESTAMP '290000-01-01 00:00:00'", '290000-01-01'],
    ["TIMESTAMPTZ '100000-01-01 00:00:00+00'", '100000-01-01'],
    ["'infinity'::TIMESTAMP", 'infinity'],
    ["'-infinity'::DATE", '-infinity'],
    ["DATE '5000000-01-01'", '5000000-01-01'],
    ["TIMESTAMP '0044-03-15 (BC) 00:00:00'", '0044-03-15 (BC)'],
  ])(
    '%s is refused with an error that names the column and the value, in the timestamp column and in others',
    async (time, value) => {
      const file = await bench.parquet(
        'a.parquet',
        `SELECT i AS id, CASE WHEN i = 2 THEN ${time} END AS at FROM range(4) t(i)`,
      );
      for (const timestamp of [undefined, 'at']) {
        await expect(ingest(file, timestamp)).rejects.toMatchObject({
          code: 'data-unreadable',
          retryable: false,
          message: expect.stringMatching(/a\.parquet.*column "at" has .* must lie in the years 1 to 9999/),
          fields: { column: 'at', value: expect.stringContaining(value), rows: 1 },
        });
      }
    },
  );

  test('the first and the last supported day are accepted', async () => {
    const days = "SELECT unnest([DATE '0001-01-01', DATE '9999-12-31']) AS day, 1 AS x";
    const [day] = await ingest(await bench.parquet('a.parquet', days));
    expect(day).toMatchObject({ min: '0001-01-01', max: '9999-12-31' });
  });

  test('an expression that computes such a time is refused with an error that names the row', async () => {
    const file = await bench.csv('a.csv', 'id,days\n1,10\n2,9000000\n');
    await expect(ingest(file, "TIMESTAMP '2020-01-01' + to_days(days::INTEGER)")).rejects.toMatchObject({
      code: 'data-unreadable',
      message: expect.stringContaining('gives no time in the years 1 to 9999 for this row'),
    });
  });
});
