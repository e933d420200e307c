import { readdir } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { after, tableEngineBench } from '../../support/table-engine-of-tests.ts';

const bench = tableEngineBench();
const { csv, look, parquet, prepareHere: prepare } = bench;

describe('an unreadable CSV is reported with file, line and reason', () => {
  test.each([
    ['a quote that is never closed', 'a,b\n1,x\n2,"y\n3,z\n', 3, /quote/],
    ['a quote that is never closed, after many good rows', `a,b\n${'1,x\n'.repeat(50_000)}2,"y\n`, 50_002, /quote/],
    ['a quote that is never closed, in the last cell', 'a,b\r\n1,x\r\n\r\n2,"y', 4, /quote/],
    ['text after a closing quote', 'a,b\n1,"x"y\n', 2, /quote/],
    ['a quote that swallows lines', 'a,b\n1,"x\n2,"y"\n', 2, /quote/],
    ['a row that is too short', 'a,b,c\n1,2,3\n4,5\n', 3, /2 values.*3 columns/],
    ['a row that is too long', 'a,b\n1,2\n3,4,5\n', 3, /3 values.*2 columns/],
    ['a short row after blank lines and a cell of two lines', 'a,b\n\n1,"x\ny"\n2,z\n3\n', 6, /1 values/],
    ['a header without a name', 'a,,c\n1,2,3\n', 1, /no name/],
    ['a header that names a column twice', 'a,b,a\n1,2,3\n', 1, /"a" twice/],
    ['a header with names that differ only in case', 'a,A\n1,2\n', 1, /twice/],
    ['no header', '1,2011-01-01,0.5\n2,2011-01-02,0.6\n', 1, /header is required/],
    ['a blank first line', '\na,b\n1,2\n', 1, /header is required/],
    ['an open quote in the header', 'a,"b\n1,2\n', 1, /quote/],
    ['bytes that are not UTF-8', Buffer.from([0x61, 0x2c, 0x62, 0x0a, 0x31, 0x2c, 0xff, 0x0a]), 2, /UTF-8/],
    ['UTF-16', Buffer.from('\ufeffa,b\n1,2\n', 'utf16le'), 1, /UTF-16/],
  ])('%s', async (_name, text, line, message) => {
    const failure = expect(prepare([await csv('given.csv', text)])).rejects;
    await failure.toMatchObject({ code: 'data-unreadable', fields: { file: 'given.csv', line } });
    await failure.toThrow(message);
    await failure.toThrow('given.csv');
  });

  test('names the second file of a batch if that is the bad one', async () => {
    const files = [await csv('good.csv', 'a,b\n1,2\n'), await csv('bad.csv', 'a,b\n1\n')];
    await expect(prepare(files)).rejects.toMatchObject({
      code: 'data-unreadable',
      fields: { file: 'bad.csv', line: 2 },
    });
  });

  test('includes rows lost to a quote that DuckDB accepts and CSV does not', async () => {
    const failure = expect(prepare([await csv('given.csv', 'a,b\n1,x\n2, "y\n3,z\n')])).rejects;
    await failure.toMatchObject({ code: 'data-unreadable', fields: { file: 'given.csv' } });
    await failure.toThrow('the file has 3 rows, but 1 were read');
  });

  test('with mixed line ends is refused', async () => {
    await expect(prepare([await csv('given.csv', 'a,b\r\n1,2\n3,4\r\n')])).rejects.toMatchObject({
      code: 'data-unreadable',
      fields: { file: 'given.csv' },
    });
  });
});

test.each([
  ['', 'an empty file'],
  ['a,b\n', 'a header alone'],
  ['a,b', 'a header without an end'],
  ['a,b\n\n\n', 'blank lines'],
])('a file without rows (%j: %s) is data-empty', async (text) => {
  await expect(prepare([await csv('given.csv', text)])).rejects.toMatchObject({
    code: 'data-empty',
    fields: { file: 'given.csv' },
  });
});

describe('a Parquet file', () => {
  test('that is not Parquet is data-unreadable', async () => {
    const file = await csv('given.parquet', 'a,b\n1,2\n');
    await expect(prepare([{ ...file, format: 'parquet' }])).rejects.toMatchObject({
      code: 'data-unreadable',
      fields: { file: 'given.parquet' },
    });
  });

  test('without rows is data-empty', async () => {
    await expect(prepare([await parquet('given.parquet', 'SELECT 1 AS a WHERE false')])).rejects.toMatchObject({
      code: 'data-empty',
    });
  });

  test.each([
    ['SELECT [1, 2] AS a', [], /no column/],
    ["SELECT unnest([1, '-inf'::DOUBLE]) AS a", ['a'], /row 2: "a" is -Infinity.*write null/],
    ["SELECT unnest(['inf'::FLOAT, 'nan']) AS a, 1 AS b", ['a'], /row 1: "a" is Infinity/],
  ])('with values that cannot be stored (%s) is refused', async (query, required, message) => {
    const failure = expect(prepare([await parquet('given.parquet', query)], { required })).rejects;
    await failure.toMatchObject({ code: 'data-unreadable' });
    await failure.toThrow(message);
  });

  test('with NaN has missing values and a warning, and infinite numbers in unread columns are left out', async () => {
    const query = `SELECT unnest([1, 2, 3]) AS id, unnest([1.5, 'nan', 'nan'::DOUBLE]) AS x, unnest([0, 'nan', 'inf'::FLOAT]) AS spare`;
    const first = await prepare([await parquet('given.parquet', query)], { required: ['x'] });
    expect(first.columns).toEqual([
      { name: 'id', type: 'integer', nullable: false },
      { name: 'x', type: 'number', nullable: true },
    ]);
    expect(first.warnings.map(({ kind, column, count }) => `${kind} ${column} ${count}`)).toEqual([
      'left-out spare 1',
      'not-finite x 2',
    ]);
    expect(await look(`SELECT id, x FROM '${first.parts[0]?.path}' ORDER BY id`)).toEqual([
      { id: '1', x: 1.5 },
      { id: '2', x: null },
      { id: '3', x: null },
    ]);
    const later = await parquet('later.parquet', "SELECT 4 AS id, 'inf'::DOUBLE AS x");
    await expect(prepare([later], after(first))).rejects.toThrow('later.parquet, row 1: "x" is Infinity');
  });
});

describe('a changed column is schema-changed, with column, line, type and value', () => {
  test.each([
    ['integer', 'a,v\n1,5\n', '2,6\n3,six\n', 'six'],
    ['integer', 'a,v\n1,5\n', '2,6\n3,6.5\n', '6.5'],
    ['number', 'a,v\n1,5.5\n', '2,6\n3,inf\n', 'inf'],
    ['number', 'a,v\n1,5.5\n', '2,6\n3,9007199254740993\n', '9007199254740993'],
    ['boolean', 'a,v\n1,true\n', '2,false\n3,1\n', '1'],
    ['date', 'a,v\n1,2024-01-01\n', '2,2024-01-02\n3,2024-13-01\n', '2024-13-01'],
    ['timestamp', 'a,v\n1,2024-01-01 00:00\n', '2,2024-01-02 00:00\n3,2024-01-02T00:00:00Z\n', '2024-01-02T00:00:00Z'],
  ])('pinned to %s', async (expected, first, rows, value) => {
    const batch = await prepare([await csv('1.csv', first)]);
    const failure = expect(prepare([await csv('2.csv', `a,v\n${rows}`)], after(batch))).rejects;
    await failure.toMatchObject({
      code: 'schema-changed',
      fields: { file: '2.csv', line: 3, column: 'v', expected, value },
    });
    await failure.toThrow(value);
  });

  test('in Parquet, by its type alone', async () => {
    const batch = await prepare([await csv('1.csv', 'v\nx\n')]);
    await expect(prepare([await parquet('2.parquet', 'SELECT 5 AS v')], after(batch))).rejects.toMatchObject({
      code: 'schema-changed',
      fields: { column: 'v', line: 1, expected: 'string', value: '5' },
    });
  });

  test('if a column is missing or new', async () => {
    const batch = await prepare([await csv('1.csv', 'a,b\n1,2\n')]);
    await expect(prepare([await csv('2.csv', 'a\n1\n')], after(batch))).rejects.toMatchObject({
      code: 'schema-changed',
      fields: { column: 'b' },
    });
    await expect(prepare([await csv('2.csv', 'a,b,c\n1,2,3\n')], after(batch))).rejects.toMatchObject({
      code: 'schema-changed',
      fields: { column: 'c' },
    });
    await expect(prepare([await csv('2.csv', 'a,B\n1,2\n')], after(batch))).rejects.toMatchObject({
      code: 'schema-changed',
      fields: { column: 'b' },
    });
  });

  test('if the files of one batch differ', async () => {
    await expect(prepare([await csv('1.csv', 'a,b\n1,2\n'), await csv('2.csv', 'a,c\n1,2\n')])).rejects.toMatchObject({
      code: 'schema-changed',
      fields: { file: '2.csv', column: 'b' },
    });
    await expect(
      prepare([await csv('1.csv', 'a\nx\n'), await parquet('2.parquet', 'SELECT 1 AS a')]),
    ).rejects.toMatchObject({ code: 'schema-changed', fields: { column: 'a' } });
  });

  test('if the configuration names an absent column', async () => {
    const file = await csv('1.csv', 'a\n1\n');
    await expect(prepare([file], { required: ['a', 'cnt'] })).rejects.toMatchObject({
      code: 'schema-changed',
      fields: { column: 'cnt' },
    });
    await expect(prepare([file], { key: 'id' })).rejects.toMatchObject({
      code: 'schema-changed',
      fields: { column: 'id' },
    });
    await expect(
      prepare([file], { expectations: [{ column: 'z', notNull: true, severity: 'warn' }] }),
    ).rejects.toMatchObject({ code: 'schema-changed', fields: { column: 'z' } });
  });

  test('if a column has a name that Perennial adds', async () => {
    await expect(prepare([await csv('1.csv', 'a,_at\n1,2024-01-01\n')])).rejects.toMatchObject({
      code: 'schema-changed',
      fields: { column: '_at' },
    });
  });
});

describe('keys', () => {
  test('that occur twice in a batch are refused with the value and every line', async () => {
    const failure = expect(
      prepare([await csv('1.csv', 'id,x\n7,1\n8,2\n7,3\n'), await csv('2.csv', 'id,x\n7,4\n')], { key: 'id' }),
    ).rejects;
    await failure.toMatchObject({
      code: 'duplicate-key',
      fields: { key: 'id', value: 7, lines: ['1.csv, line 2', '1.csv, line 4', '2.csv, line 2'] },
    });
    await failure.toThrow('3 rows have the key id = 7');
  });

  test('that occur twice are refused even if the rows are equal', async () => {
    await expect(prepare([await csv('1.csv', 'id,x\n7,1\n7,1\n')], { key: 'id' })).rejects.toMatchObject({
      code: 'duplicate-key',
    });
  });

  test('that are empty are refused', async () => {
    await expect(prepare([await csv('1.csv', 'id,x\n7,1\n,2\n')], { key: 'id' })).rejects.toMatchObject({
      code: 'duplicate-key',
      fields: { key: 'id', value: null, lines: ['1.csv, line 3'] },
    });
  });

  test('that are known with another value are refused with column and both values', async () => {
    const first = await prepare([await csv('1.csv', 'id,x,y\n7,1,a\n8,2,b\n')], { key: 'id' });
    const failure = expect(
      prepare([await csv('2.csv', 'id,x,y\n7,1,a\n8,2,B\n')], { key: 'id', ...after(first) }),
    ).rejects;
    await failure.toMatchObject({
      code: 'key-conflict',
      fields: { key: 'id', value: 8, column: 'y', known: 'b', given: 'B', line: 3 },
    });
    await expect(prepare([await csv('2.csv', 'id,x,y\n7,,a\n')], { key: 'id', ...after(first) })).rejects.toMatchObject(
      { code: 'key-conflict', fields: { column: 'x', known: 1, given: null } },
    );
  });
});

describe('data.timestamp', () => {
  test.each([
    ['(SELECT 1)', /subquery/],
    ["t) FROM read_csv('/etc/passwd') WHERE (true", /more than one expression/],
    ['t), (t', /more than one expression/],
    ['t) UNION SELECT (t', /more than one expression/],
    ['t) ORDER BY (t', /more than one expression/],
    ['t) LIMIT (1', /more than one expression/],
    ['t) AS t2, (t', /more than one expression/],
    ['*', /star/],
    ["COLUMNS('t')", /star/],
    ['max(t)', /not a scalar function/],
    ['first(t)', /not a scalar function/],
    ['lag(t) OVER ()', /window/],
    ['list_transform([t], lambda x: x)[1]', /lambda/],
    ["read_text('/etc/passwd')", /not a scalar function/],
    ['unnest([t])', /(no|not a scalar) function/],
    ['now()', /same value/],
    ['current_date', /no column/],
    ['CAST(random() AS TIMESTAMP)', /same value/],
    ["getvariable('x')", /same value/],
    ['nosuch(t)', /no function/],
    ['other', /no column "other"/],
    ['t.id', /no column/],
    ['?', /parameter/],
    ['#1', /positional/],
    ['t +', /not a SQL/],
    ['t; DROP TABLE united', /not a SQL/],
    ['id', /not a time/],
    ['CAST(t AS VARCHAR)', /VARCHAR/],
    ['t + id', /./],
  ])('%s is invalid-expression', async (timestamp, message) => {
    const failure = expect(prepare([await csv('1.csv', 'id,t\n1,2024-01-01 00:00\n')], { timestamp })).rejects;
    await failure.toMatchObject({ code: 'invalid-expression' });
    await failure.toThrow(message);
  });

  test.each([
    ['t'],
    ['T -- a comment'],
    ['CASE WHEN id > 0 THEN t ELSE NULL END'],
    ["date_trunc('day', t) + INTERVAL 1 HOUR"],
    ['t + to_hours(id)'],
    ["strptime('2024-01-' || id, '%Y-%m-%d')"],
    ["t AT TIME ZONE 'Europe/Berlin'"],
    ['coalesce(NULL, t)'],
    ['make_timestamp(2024, 1, id, 0, 0, 0)'],
  ])('%s is accepted', async (timestamp) => {
    expect((await prepare([await csv('1.csv', 'id,t\n1,2024-01-01 00:00\n')], { timestamp })).rowsAdded).toBe(1);
  });

  test('a column may have any name', async () => {
    expect(
      (
        await prepare(
          [
            await csv(
              '1.csv',
              'when (UTC) "now",x\n2024-01-01,1\n'.replace('when (UTC) "now"', '"when (UTC) ""now"""'),
            ),
          ],
          { timestamp: 'when (UTC) "now"' },
        )
      ).rowsAdded,
    ).toBe(1);
  });

  test('a row without a resulting time is named', async () => {
    const file = await csv('1.csv', 'day,x\n2024-01-01,1\nsoon,2\n');
    await expect(prepare([file], { timestamp: 'CAST(day AS TIMESTAMP)' })).rejects.toMatchObject({
      code: 'data-unreadable',
      fields: { file: '1.csv', line: 3 },
    });
  });
});

test('a refusal keeps all its fields across the process boundary', async () => {
  await expect(bench.prepare([await csv('given.csv', 'a,b\n1\n')])).rejects.toMatchObject({
    name: 'PerennialError',
    code: 'data-unreadable',
    fields: { file: 'given.csv', line: 2 },
    retryable: false,
  });
});

test('a refused batch leaves no file', async () => {
  const outputFolder = bench.folder();
  await expect(prepare([await csv('1.csv', 'id\n1\n1\n')], { key: 'id', outputFolder })).rejects.toMatchObject({
    code: 'duplicate-key',
  });
  expect(await readdir(outputFolder)).toEqual([]);
});
