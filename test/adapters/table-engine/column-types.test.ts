import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { PrepareBatch, PreparedBatch } from '../../../ports/table-engine.ts';
import { after, tableEngineBench } from '../../support/table-engine-of-tests.ts';

const bench = tableEngineBench();
const { csv, parquet, prepareHere: prepare, look } = bench;

async function ndjson(text: string): Promise<PrepareBatch['files'][number]> {
  const path = join(bench.folder(), 'a.ndjson');
  await writeFile(path, text);
  return { name: 'a.ndjson', path, format: 'ndjson' };
}

function column(values: readonly string[]): Promise<PrepareBatch['files'][number]> {
  return csv('a.csv', `id,v\n${values.map((value, at) => `${at},${value}\n`).join('')}`);
}

function typesOf({ columns }: PreparedBatch): Record<string, string> {
  return Object.fromEntries(columns.map(({ name, type }) => [name, type]));
}

async function valuesOf({ parts, known }: PreparedBatch, name = 'v'): Promise<unknown[]> {
  const paths = [
    ...known.flatMap((entry) => ('path' in entry.part ? [entry.part.path] : [])),
    ...parts.map(({ path }) => path),
  ];
  const rows = await look(
    `SELECT CAST("${name}" AS VARCHAR) AS v FROM read_parquet([${paths.map((path) => `'${path}'`).join(', ')}]) ORDER BY id`,
  );
  return rows.map(({ v }) => v);
}

describe('a type is inferred only if no information is lost', () => {
  test.each([
    ['leading zeros', ['08010', '12345']],
    ['a minus before a leading zero', ['-07', '5']],
    ['two zeros', ['00', '0']],
    ['a plus sign', ['+43664', '12']],
    ['a plus sign before a decimal', ['+1.5', '2.5']],
    ['exponents among codes', ['1E5', '2E7', '1F6']],
    ['only exponents', ['1E5', '2E7']],
    ['exponents among integers', ['1e5', '27']],
    ['a zero with a sign', ['-0', '1']],
    ['integers beyond 64 bits', ['9223372036854775808', '1']],
    ['a power of two above 64 bits, which a double holds', ['18446744073709551616', '1']],
    ['decimals with more digits than a double', ['100000000000000.07', '1.5']],
    ['decimals of 25 digits', ['0.1234567890123456789012345', '1.5']],
    ['leading zeros of decimals', ['01.5', '2.5']],
    ['a number that is too large', ['1.5e999', '2.5']],
    ['a number that is too small', ['1.5e-999', '2.5']],
    ['blanks', [' 1', '2']],
  ])('%s: text, unchanged', async (_name, values) => {
    const batch = await prepare([await column(values)]);
    expect(typesOf(batch).v).toBe('string');
    expect(await valuesOf(batch)).toEqual(values);
  });

  test.each([
    ['integer', ['0', '-1', '9223372036854775807', '-9223372036854775808']],
    ['number', ['1.50', '2', '-0.0']],
    ['number', ['.5', '5.']],
    ['number', ['1e-05', '1.5E3', '2']],
    ['number', ['1e+308', '1']],
    ['number', ['0.1234567890123456', '5e-324', '1.7976931348623157e308']],
    ['number', ['100000000000000000000', '0.5']],
    ['boolean', ['TRUE', 'False']],
  ])('%s: %j', async (type, values) => {
    expect(typesOf(await prepare([await column(values)])).v).toBe(type);
  });

  test('even if the first value that forbids a type comes after many that do not', async () => {
    const many = Array.from({ length: 12_000 }, (_, at) => String(at));
    expect(typesOf(await prepare([await column([...many, '0664'])])).v).toBe('string');
    expect(typesOf(await prepare([await column([...many, '0.5'])])).v).toBe('number');
    expect(typesOf(await prepare([await column([...many.map((n) => `${n}.5`), 'x'])])).v).toBe('string');
  });

  test('a column that is kept as text for this reason has a warning with an example and the way out', async () => {
    expect((await prepare([await column(['08010', '12345'])])).warnings).toMatchObject([
      {
        level: 'guess',
        kind: 'kept-as-text',
        column: 'v',
        count: 2,
        example: '08010',
        message: expect.stringContaining('data.columns'),
      },
    ]);
    for (const [values, reason] of [
      [['1E5', '2E3'], '"1E5" is not written as a whole number, and no value has a decimal point'],
      [['-0', '5'], '"-0" is not written as a whole number'],
      [['5', '6', 'six'], 'other values are not numbers'],
    ] as const) {
      const { warnings } = await prepare([await column(values)]);
      expect(warnings.find(({ kind }) => kind === 'kept-as-text')?.message).toContain(reason);
    }
  });

  test('JSON decides what is a number; an inexact one is refused, or left out if nothing reads it', async () => {
    const whole = await prepare([await ndjson('{"id":1,"v":1.0}\n{"id":2,"v":1e5}\n')]);
    expect(typesOf(whole).v).toBe('number');
    expect(typesOf(await prepare([await ndjson('{"id":1,"v":9007199254740993}\n')])).v).toBe('integer');
    for (const [values, type] of [
      [['100000000000000000000', '2.5'], 'number'],
      [['100000000000000000000', '2'], undefined],
      [['9223372036854775807', '-9223372036854775808'], 'integer'],
      [['9'.repeat(400), '2'], undefined],
      [['-9223372036854775809', '2'], undefined],
    ] as const) {
      const file = await ndjson(values.map((value, at) => `{"id":${at},"v":${value}}\n`).join(''));
      expect(typesOf(await prepare([file])).v).toBe(type);
    }
    const large = await prepare([await ndjson('{"id":1,"v":12345678901234567890}\n{"id":2,"v":2}\n')]);
    expect(typesOf(large)).toEqual({ id: 'integer' });
    expect(large.warnings).toMatchObject([{ kind: 'left-out', column: 'v' }]);
    const declared = await prepare([await ndjson('{"id":1,"v":12345678901234567890}\n')], { columns: { v: 'string' } });
    expect(await look(`SELECT v FROM '${declared.parts[0]?.path}'`)).toEqual([{ v: '12345678901234567890' }]);
    for (const value of ['9223372036854775808', '12345678901234567890', '100000000000000.07', '0.12345678901234567890'])
      await expect(
        prepare([await ndjson(`{"id":1,"v":1}\n{"id":2,"v":${value}}\n`)], { required: ['v'] }),
      ).rejects.toThrow(new RegExp(`line 2.*"v" is ${value}.*quotes`));
    const unread = await prepare([await ndjson('{"id":1,"v":100000000000000.07,"t":"0.12345678901234567890"}\n')]);
    expect(typesOf(unread)).toEqual({ id: 'integer', t: 'string' });
    expect(unread.warnings).toMatchObject([{ kind: 'left-out', column: 'v' }]);
    expect(typesOf(await prepare([await ndjson('{"id":1,"v":0.10000000000000001}\n')])).v).toBe('number');
  });
});

/** A file written by Arrow with one row: `id` 1, and `at` 1,001 nanoseconds after the beginning of 1970 as INT96. */
const int96 = [
  'UEFSMRUAFRwVHCwVAhUAFQYVBhwAAAACAAAAAgEBAAAAAAAAABUAFSQVJCwVAhUAFQYVBhwAAAACAAAAAgHpAwAAAAAAAIw9JQAV',
  'BBk8NQAYBnNjaGVtYRUEABUEJQIYAmlkABUGJQIYAmF0ABYCGRwZLCYAHBUEGSUGABkYAmlkFQAWAhZCFkImCEkcFQAVABUCADwp',
  'BhkmAAIAAAAmABwVBhklBgAZGAJhdBUAFgIWShZKJkpJHBUAFQAVAgA8KQYZJgACAAAAFowBFgImCBaMAQAoIHBhcnF1ZXQtY3Bw',
  'LWFycm93IHZlcnNpb24gMjUuMC4xGSwcAAAcAAAAtQAAAFBBUjE=',
].join('');

test('INT96 times, which Spark writes, are read to the microsecond, with a warning', async () => {
  const { path } = await csv('spark.parquet', Buffer.from(int96, 'base64'));
  const { columns, warnings, parts } = await prepare([{ name: 'spark.parquet', path, format: 'parquet' }]);
  expect(columns.map(({ name, type }) => `${name} ${type}`)).toEqual(['id integer', 'at timestamp']);
  expect(warnings).toMatchObject([{ level: 'guess', kind: 'converted', column: 'at', count: 1, example: 'INT96' }]);
  expect(warnings[0]?.message).toContain('TIMESTAMP_MICROS');
  expect(await look(`SELECT epoch_us("at") AS us FROM '${parts[0]?.path}'`)).toEqual([{ us: '1' }]);
});

describe('a pinned column', () => {
  test.each([
    ['1\n', '007', /declare data\.columns: \{ v: string \}.*or data\.columns: \{ v: integer \} to read it as 7/],
    ['1\n', '+5', /data\.columns: \{ v: integer \} to read it as 5/],
    ['1\n', '1.5', /declare data\.columns: \{ v: number \}/],
    ['1.5\n', '100000000000000.07', /data\.columns: \{ v: string \}/],
    ['1.5\n', 'NA', /data\.nulls: \["NA"\].*data\.columns: \{ v: string \}/],
    ['2024-01-01\n', '2024-01-01 10:00', /data\.columns: \{ v: timestamp \}/],
    ['true\n', 'maybe', /data\.columns: \{ v: string \}/],
  ])('of %s refuses %s with the way out', async (first, value, message) => {
    const batch = await prepare([await csv('1.csv', `v\n${first}`)]);
    await expect(prepare([await csv('2.csv', `v\n${value}\n`)], after(batch))).rejects.toThrow(message);
  });

  test('counts the values of another type', async () => {
    const batch = await prepare([await csv('1.csv', 'v\n1\n')]);
    await expect(prepare([await csv('2.csv', 'v\n2\nNA\nNA\n')], after(batch))).rejects.toMatchObject({
      code: 'schema-changed',
      message: expect.stringContaining('(2 such values in all)'),
      fields: { line: 3, value: 'NA', rows: 2 },
    });
  });

  test('accepts Parquet values of another type if they fit its own type exactly', async () => {
    const batch = await prepare([await csv('1.csv', 'id,v\n1,5\n')]);
    const second = await prepare([await parquet('2.parquet', 'SELECT 2 AS id, 6.0::DOUBLE AS v')], after(batch));
    expect(second.known).toMatchObject([{ kind: 'kept' }]);
    expect(await valuesOf(second)).toEqual(['5', '6']);
    await expect(
      prepare([await parquet('2.parquet', 'SELECT 2 AS id, 6.5::DOUBLE AS v')], after(batch)),
    ).rejects.toThrow(/"6\.5"/);
    const text = await prepare([await csv('1.csv', 'id,v\n1,a\n')]);
    await expect(prepare([await parquet('2.parquet', 'SELECT 2 AS id, 7 AS v')], after(text))).rejects.toThrow(
      /"7" does not fit/,
    );
  });
});

describe('a column without a value', () => {
  test('takes the type of its first values, in the known parts too', async () => {
    const first = await prepare([await csv('1.csv', 'id,v\n1,\n2,\n')]);
    expect(typesOf(first).v).toBe('string');
    expect(first.warnings).toMatchObject([{ level: 'guess', kind: 'without-type', column: 'v' }]);
    const second = await prepare([await csv('2.csv', 'id,v\n3,0.5\n')], after(first));
    expect(typesOf(second).v).toBe('number');
    expect(second.known).toMatchObject([{ kind: 'rewritten' }]);
    expect(await valuesOf(second)).toEqual([null, null, '0.5']);
    const still = await prepare([await csv('2.csv', 'id,v\n3,\n')], after(first));
    expect(still.known).toMatchObject([{ kind: 'kept' }]);
    const text = await prepare([await csv('2.csv', 'id,v\n3,0664\n')], after(first));
    expect(await valuesOf({ ...text, known: [] })).toEqual(['0664']);
  });

  test('has its declared type', async () => {
    const columns = { v: 'string' } as const;
    const first = await prepare([await csv('1.csv', 'id,v\n1,\n')], { columns });
    expect(first.warnings).toEqual([]);
    const second = await prepare([await csv('2.csv', 'id,v\n3,5\n')], { ...after(first), columns });
    expect(typesOf(second).v).toBe('string');
  });

  test('in Parquet keeps its type as long as the values fit it', async () => {
    const first = await prepare([await parquet('1.parquet', 'SELECT 1 AS id, NULL::DOUBLE AS v')]);
    expect(typesOf(first).v).toBe('number');
    expect(typesOf(await prepare([await csv('2.csv', 'id,v\n2,5.5\n')], after(first))).v).toBe('number');
    expect(typesOf(await prepare([await csv('2.csv', 'id,v\n2,red\n')], after(first))).v).toBe('string');
  });
});

describe('declared types', () => {
  test('override the types of the values', async () => {
    const columns = { a: 'string', b: 'number', c: 'boolean', d: 'timestamp', e: 'ignore', f: 'category' } as const;
    const batch = await prepare([await csv('1.csv', 'id,a,b,c,d,e,f\n1,7,007,1,2024-01-01,x,5\n')], { columns });
    expect(typesOf(batch)).toEqual({
      id: 'integer',
      a: 'string',
      b: 'number',
      c: 'boolean',
      d: 'timestamp',
      f: 'integer',
    });
    expect(await look(`SELECT a, b, c FROM '${batch.parts[0]?.path}'`)).toEqual([{ a: '7', b: 7, c: true }]);
  });

  test('are refused if a value does not fit', async () => {
    await expect(prepare([await csv('1.csv', 'v\n1\nx\n')], { columns: { v: 'integer' } })).rejects.toMatchObject({
      code: 'schema-changed',
      message: expect.stringMatching(/1\.csv, line 3.*declared as integer.*"x"/),
    });
    await expect(prepare([await csv('1.csv', 'v\n1\n')], { columns: { w: 'integer' } })).rejects.toThrow(
      /"w".*data\.columns/,
    );
    expect((await prepare([await csv('1.csv', 'v\n1\n')], { columns: { w: 'ignore' } })).rowsAdded).toBe(1);
  });

  test.each([
    ['1\n2', 'string', ['1', '2', 'x'], 'x'],
    ['1.5\n2.5', 'string', ['1.5', '2.5', 'x'], 'x'],
    ['08010\nNA', 'integer', ['8010', null, '5'], '5'],
    ['true\nfalse', 'string', ['true', 'false', 'x'], 'x'],
    ['1\n0', 'boolean', ['true', 'false', 'true'], '1'],
    [
      '2024-01-01\n2024-01-02',
      'timestamp',
      ['2024-01-01 00:00:00', '2024-01-02 00:00:00', '2024-01-03 10:00:00'],
      '2024-01-03 10:00',
    ],
    ['1.0\n2.0', 'integer', ['1', '2', '3'], '3'],
  ] as const)('convert the known rows: %j to %s', async (values, type, expected, next) => {
    const rows = values.split('\n').map((value, at) => `${at},${value}\n`);
    const first = await prepare([await csv('1.csv', `id,v\n${rows.join('')}`)], { key: 'id' });
    const second = await prepare([await csv('2.csv', `id,v\n2,${next}\n`)], {
      ...after(first),
      key: 'id',
      nulls: ['NA'],
      columns: { v: type },
    });
    expect(typesOf(second).v).toBe(type);
    expect(await valuesOf(second)).toEqual(expected);
    expect(second.warnings).toContainEqual(expect.objectContaining({ kind: 'converted', column: 'v' }));
  });

  test('are refused if a known value does not fit, with column, value, count and way out', async () => {
    const first = await prepare([await csv('1.csv', 'v\n1\nNA\nNA\n')]);
    await expect(
      prepare([await csv('2.csv', 'v\n1\n')], { ...after(first), columns: { v: 'number' } }),
    ).rejects.toMatchObject({
      code: 'schema-changed',
      message: expect.stringMatching(/"v" cannot become number: 2 of the existing rows .*"NA".*data\.nulls/),
    });
  });

  test('apply to the key, which identifies rows by its new form', async () => {
    const first = await prepare([await csv('1.csv', 'id,v\n1,a\n2,b\n')], { key: 'id' });
    const second = await prepare([await csv('2.csv', 'id,v\n01,x\n2,c\n')], {
      ...after(first),
      key: 'id',
      mode: 'upsert',
      columns: { id: 'string' },
    });
    expect(second).toMatchObject({ rowsAdded: 1, rowsReplaced: 1 });
    expect(await valuesOf(second)).toEqual(['x', 'a', 'c']);
  });

  test('a column that is ignored from now on is also removed from the known rows', async () => {
    const first = await prepare([await csv('1.csv', 'id,v,w\n1,a,x\n')]);
    const second = await prepare([await csv('2.csv', 'id,v,w\n2,b,y\n')], {
      ...after(first),
      columns: { w: 'ignore' },
    });
    expect(typesOf(second)).toEqual({ id: 'integer', v: 'string' });
    expect(second.known).toMatchObject([{ kind: 'rewritten' }]);
    expect(second.warnings).toMatchObject([{ level: 'warning', kind: 'left-out', column: 'w' }]);
    expect(await valuesOf(second)).toEqual(['a', 'b']);
    const third = await prepare([await csv('3.csv', 'id,v\n3,c\n')], { ...after(first), columns: { w: 'ignore' } });
    expect(typesOf(third)).toEqual({ id: 'integer', v: 'string' });
  });
});

describe('Parquet types', () => {
  test.each([
    ['decimals without a fraction', '9007199254741001::DECIMAL(38, 0)', 'integer', '9007199254741001'],
    ['decimals beyond 64 bits', '99999999999999999999::DECIMAL(38, 0)', 'string', '99999999999999999999'],
    ['decimals that a number can represent', '1.50::DECIMAL(10, 2)', 'number', '1.5'],
    ['decimals that no number can represent', '100000000000000.07::DECIMAL(20, 2)', 'string', '100000000000000.07'],
    ['unsigned values within 64 bits', '5::UBIGINT', 'integer', '5'],
    ['unsigned values beyond 64 bits', '18446744073709551615::UBIGINT', 'string', '18446744073709551615'],
    [
      'nanosecond times with whole microseconds',
      "'2024-01-01 00:00:00.000001'::TIMESTAMP_NS",
      'timestamp',
      '2024-01-01 00:00:00.000001',
    ],
    ['nanosecond times', "'2024-01-01 00:00:00.000000001'::TIMESTAMP_NS", 'string', '2024-01-01 00:00:00.000000001'],
    ['times of day', "TIME '10:00:00.5'", 'string', '10:00:00.5'],
    ['identifiers', "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::UUID", 'string', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
    ['categories', "'b'::ENUM('a', 'b')", 'string', 'b'],
  ])('%s', async (_name, value, type, expected) => {
    const batch = await prepare([await parquet('a.parquet', `SELECT 1 AS id, ${value} AS v`)]);
    expect(typesOf(batch).v).toBe(type);
    if (expected !== undefined) expect(await valuesOf(batch)).toEqual([expected]);
  });

  test('two different decimals are two keys, and an equal one is known in the next batch', async () => {
    const ids = (from: number) =>
      `SELECT (9007199254741000000000 + i)::DECIMAL(38, 0) AS id, i AS v FROM range(${from}, ${from + 3}) t(i)`;
    const first = await prepare([await parquet('1.parquet', ids(0))], { key: 'id' });
    expect(typesOf(first).id).toBe('string');
    expect(first.warnings).toMatchObject([{ level: 'guess', kind: 'kept-as-text', column: 'id' }]);
    const second = await prepare([await parquet('2.parquet', ids(2))], { key: 'id', ...after(first) });
    expect(second).toMatchObject({ rowsAdded: 2, rowsSkipped: 1 });
  });

  test.each(['[1, 2]', "{'a': 1}", "'a'::BLOB", 'INTERVAL 1 DAY', "MAP {'a': 1}"])(
    '%s is left out with a warning if nothing reads it, and refused by name otherwise',
    async (value) => {
      const file = await parquet('a.parquet', `SELECT 1 AS id, ${value} AS v`);
      const batch = await prepare([file]);
      expect(typesOf(batch)).toEqual({ id: 'integer' });
      expect(batch.warnings).toMatchObject([{ level: 'warning', kind: 'left-out', column: 'v' }]);
      expect((await prepare([file], after(batch))).columns).toEqual(batch.columns);
      expect((await prepare([file], { columns: { v: 'ignore' } })).warnings).toEqual([]);
      for (const reading of [
        { required: ['v'] },
        { key: 'v' },
        { alsoRead: ['v'] },
        { timestamp: 'CAST(v AS TIMESTAMP)' },
      ])
        await expect(prepare([file], reading)).rejects.toMatchObject({
          code: 'schema-changed',
          message: expect.stringMatching(/"v" of type .*write/),
        });
    },
  );
});
