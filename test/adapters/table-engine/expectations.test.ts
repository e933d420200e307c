import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Expectation } from '../../../contracts/data/expectation.ts';
import { after, tableEngineBench } from '../../support/table-engine-of-tests.ts';

const { csv, engine, folder, parquet, prepareHere: prepare, look } = tableEngineBench();

const text =
  'id,n,x,s,d,b\n1,5,0.5,red,2024-01-01,true\n2,-1,1.5,blue,2024-01-02,false\n3,,,,,\n4,7,0.25,red,2024-02-01,true\n';
const judge = async (expectation: Omit<Expectation, 'severity'>, severity: 'error' | 'warn' = 'warn') =>
  prepare([await csv('e.csv', text)], { key: 'id', expectations: [{ severity, ...expectation }] });

describe('each check counts its violations and shows rows and values', () => {
  test.each<[string, Omit<Expectation, 'severity'>, { row: number; value: unknown }[]]>([
    ['min', { column: 'n', min: 0 }, [{ row: 2, value: -1 }]],
    [
      'min',
      { column: 'n', min: 5.5 },
      [
        { row: 1, value: 5 },
        { row: 2, value: -1 },
      ],
    ],
    ['max', { column: 'x', max: 1 }, [{ row: 2, value: 1.5 }]],
    ['notNull', { column: 's', notNull: true }, [{ row: 3, value: null }]],
    [
      'unique',
      { column: 's', unique: true },
      [
        { row: 1, value: 'red' },
        { row: 4, value: 'red' },
      ],
    ],
    ['values', { column: 's', values: ['red', 'green'] }, [{ row: 2, value: 'blue' }]],
    ['values', { column: 'n', values: [5, 7, '-1'] }, [{ row: 2, value: -1 }]],
    ['values', { column: 'd', values: ['2024-01-01', '2024-01-02'] }, [{ row: 4, value: '2024-02-01' }]],
    ['values', { column: 'b', values: [true] }, [{ row: 2, value: false }]],
    [
      'range',
      { column: 'n', range: [0, 5] },
      [
        { row: 2, value: -1 },
        { row: 4, value: 7 },
      ],
    ],
    [
      'range',
      { column: 'd', range: ['2024-01-02', '2024-01-31'] },
      [
        { row: 1, value: '2024-01-01' },
        { row: 4, value: '2024-02-01' },
      ],
    ],
    ['pattern', { column: 's', pattern: '^r' }, [{ row: 2, value: 'blue' }]],
    ['pattern', { column: 's', pattern: '(?i)BLUE|e' }, []],
    [
      'type',
      { column: 'x', type: 'integer' },
      [
        { row: 1, value: 0.5 },
        { row: 2, value: 1.5 },
        { row: 4, value: 0.25 },
      ],
    ],
    [
      'type',
      { column: 's', type: 'date' },
      [
        { row: 1, value: 'red' },
        { row: 2, value: 'blue' },
        { row: 4, value: 'red' },
      ],
    ],
  ])('%s: %j', async (check, expectation, examples) => {
    const { expectations, rowsAdded } = await judge(expectation);
    expect(expectations).toEqual([
      { column: expectation.column, check, severity: 'warn', violations: examples.length, examples },
    ]);
    expect(rowsAdded).toBe(4);
  });

  test('values that hold have no violations, integers count as numbers, and nulls violate only notNull', async () => {
    const { expectations } = await judge({
      column: 'n',
      type: 'number',
      min: -1,
      max: 7,
      values: [-1, 5, 7],
      unique: true,
    });
    expect(expectations.map(({ check, violations }) => [check, violations])).toEqual([
      ['type', 0],
      ['unique', 0],
      ['min', 0],
      ['max', 0],
      ['values', 0],
    ]);
  });

  test('at most ten examples are shown', async () => {
    const file = await csv('m.csv', `x\n${'-1\n'.repeat(25)}`);
    const { expectations } = await prepare([file], { expectations: [{ column: 'x', min: 0, severity: 'warn' }] });
    expect(expectations[0]).toMatchObject({
      violations: 25,
      examples: Array.from({ length: 10 }, (_, at) => ({ row: at + 1, value: -1 })),
    });
  });

  test('row numbers continue through the files of a batch', async () => {
    const { expectations } = await prepare([await csv('1.csv', 'x\n1\n2\n'), await csv('2.csv', 'x\n3\n-4\n')], {
      expectations: [{ column: 'x', min: 0, severity: 'warn' }],
    });
    expect(expectations[0]?.examples).toEqual([{ row: 4, value: -4 }]);
  });
});

test('a broken expectation of severity error gives no parts, and its rows are quarantined with the broken expectations', async () => {
  const batch = await prepare([await csv('e.csv', text)], {
    key: 'id',
    expectations: [
      { column: 'n', min: 0, severity: 'error' },
      { column: 's', notNull: true, severity: 'error' },
      { column: 'x', max: 1, severity: 'warn' },
      { column: 'x', max: 0.75, severity: 'error' },
    ],
  });
  expect(batch).toMatchObject({ rowsAdded: 0, parts: [] });
  expect(batch.expectations.map(({ violations }) => violations)).toEqual([1, 1, 1, 1]);
  expect(batch.quarantine?.rows).toBe(2);
  expect(await look(`SELECT "_file", "_row", "_broke", id FROM '${batch.quarantine?.path}'`)).toEqual([
    { _file: 'e.csv', _row: '2', _broke: 'n: min; x: max', id: '2' },
    { _file: 'e.csv', _row: '3', _broke: 's: notNull', id: '3' },
  ]);
});

test('corrected rows of a quarantine are accepted without the columns that explain the refusal', async () => {
  const refused = await prepare([await csv('e.csv', text)], {
    expectations: [{ column: 'n', min: 0, severity: 'error' }],
  });
  const path = join(folder(), 'refused.csv');
  await engine.exportRows({ parts: [refused.quarantine?.path ?? ''], format: 'csv', path });
  const given = await readFile(path, 'utf8');
  expect(given.split('\n')[0]).toBe('_file,_line,_row,_broke,id,n,x,s,d,b');
  for (const file of [
    await csv('refused.csv', given.replace(',-1,', ',1,')),
    await parquet('refused.parquet', `SELECT * REPLACE (1 AS n) FROM '${refused.quarantine?.path}'`),
  ]) {
    const taken = await prepare([file]);
    expect(taken.columns.map(({ name }) => name)).toEqual(['id', 'n', 'x', 's', 'd', 'b']);
    expect(taken).toMatchObject({ rowsAdded: 1, warnings: [{ level: 'guess', kind: 'left-out', column: null }] });
    expect(await look(`SELECT id, n, s FROM '${taken.parts[0]?.path}'`)).toEqual([{ id: '2', n: '1', s: 'blue' }]);
  }
});

test('unique also checks known rows, and skipped rows are not checked', async () => {
  const first = await prepare([await csv('1.csv', 'id,s,n\n1,a,-1\n')], { key: 'id' });
  const second = await prepare([await csv('2.csv', 'id,s,n\n1,a,-1\n2,a,1\n3,b,1\n')], {
    key: 'id',
    ...after(first),
    expectations: [
      { column: 's', unique: true, severity: 'error' },
      { column: 'n', min: 0, severity: 'error' },
    ],
  });
  expect(second.expectations.map(({ check, violations, examples }) => [check, violations, examples])).toEqual([
    ['unique', 1, [{ row: 2, value: 'a' }]],
    ['min', 0, []],
  ]);
  expect(second.quarantine?.rows).toBe(1);
});

test('a bound on a column that is not numeric is refused', async () => {
  await expect(judge({ column: 's', min: 0 })).rejects.toMatchObject({
    code: 'schema-changed',
    fields: { column: 's' },
  });
});

describe('checks of the whole dataset', () => {
  const asOf = '2024-03-01T00:00:00.000Z';
  const timed = 'id,t\n1,2024-02-01\n2,2024-02-28\n';

  test('a share of nulls is measured on new rows, and if it is too large, the rows without a value are refused', async () => {
    const [within, beyond] = [
      await judge({ column: 's', nullShare: 0.25 }),
      await judge({ column: 's', nullShare: 0.2 }, 'error'),
    ];
    expect(within.expectations).toEqual([
      { column: 's', check: 'nullShare', severity: 'warn', violations: 0, observed: 0.25, examples: [] },
    ]);
    expect(beyond.expectations[0]).toMatchObject({
      violations: 1,
      observed: 0.25,
      examples: [{ row: 3, value: null }],
    });
    expect(beyond.quarantine?.rows).toBe(1);
  });

  test('row counts include earlier rows, and too few rows refuse the batch without blaming a row', async () => {
    const expectations = [{ rowCount: { min: 3, max: 4 }, severity: 'error' as const }];
    const first = await prepare([await csv('1.csv', 'id\n1\n2\n')], { key: 'id', expectations });
    expect(first).toMatchObject({ refused: true, quarantine: null, parts: [], rowsAdded: 0 });
    expect(first.expectations).toEqual([
      { column: null, check: 'rowCount', severity: 'error', violations: 1, observed: 2, examples: [] },
    ]);
    const ground = await prepare([await csv('1.csv', 'id\n1\n2\n')], { key: 'id' });
    const more = { key: 'id', expectations, ...after(ground) };
    expect(await prepare([await csv('2.csv', 'id\n2\n3\n')], more)).toMatchObject({ refused: false, rowsAdded: 1 });
    expect(await prepare([await csv('2.csv', 'id\n3\n4\n5\n')], more)).toMatchObject({ refused: true });
  });

  test('freshness compares the newest row, known or new, with the time of the ingestion', async () => {
    const fresh = async (freshness: string, rows: string, more: object = {}) => {
      const { expectations } = await prepare([await csv('t.csv', rows)], {
        key: 'id',
        timestamp: 't',
        asOf,
        expectations: [{ freshness, severity: 'warn' }],
        ...more,
      });
      return expectations[0];
    };
    expect(await fresh('2 days', timed)).toMatchObject({ violations: 0, observed: '2024-02-28T00:00:00.000Z' });
    expect(await fresh('1 day', timed)).toMatchObject({ column: null, violations: 1 });
    const ground = await prepare([await csv('t.csv', timed)], { key: 'id', timestamp: 't' });
    expect(await fresh('2 days', 'id,t\n3,2023-01-01\n', after(ground))).toMatchObject({ violations: 0 });
  });

  test("references check values against another model's dataset, and name its version", async () => {
    const stations = await prepare([await csv('s.csv', 'station,open\n1,true\n2,false\n')]);
    const references = [
      {
        model: 'stations',
        column: 'station',
        label: 'stations, dataset 3',
        parts: stations.parts.map(({ path }) => path),
      },
    ];
    const expectations = [
      { column: 'at', references: { model: 'stations', column: 'station' }, severity: 'error' as const },
    ];
    const trips = await csv('trips.csv', 'id,at\n1,1\n2,\n3,7\n');
    const batch = await prepare([trips], { key: 'id', expectations, references });
    expect(batch.expectations).toEqual([
      {
        column: 'at',
        check: 'references',
        severity: 'error',
        violations: 1,
        observed: 'stations, dataset 3',
        examples: [{ row: 3, value: 7 }],
      },
    ]);
    await expect(prepare([trips], { key: 'id', expectations, references: [] })).rejects.toMatchObject({
      code: 'no-data',
    });
    await expect(
      prepare([await csv('trips.csv', 'id,at\n1,x\n')], { key: 'id', expectations, references }),
    ).rejects.toMatchObject({ code: 'schema-changed', fields: { expected: 'string', found: 'integer' } });
  });

  test('a pattern that is not RE2 is invalid-expression, and one on numbers is schema-changed', async () => {
    await expect(judge({ column: 's', pattern: '(?=a)' })).rejects.toMatchObject({ code: 'invalid-expression' });
    await expect(judge({ column: 'n', pattern: 'a' })).rejects.toMatchObject({ code: 'schema-changed' });
  });
});

test('refused rows are found by file and line, even with multi-line cells and blank lines between', async () => {
  const batch = await prepare(
    [await csv('1.csv', 'id,s,n\n1,"a\nb",1\n\n2,c,-2\n3,d,3\n4,"e\nf",-4'), await csv('2.csv', 'id,s,n\n5,g,-5\n')],
    { key: 'id', expectations: [{ column: 'n', min: 0, severity: 'error' }] },
  );
  expect(await look(`SELECT "_file", "_line", id, "_broke" FROM '${batch.quarantine?.path}' ORDER BY id`)).toEqual([
    { _file: '1.csv', _line: '5', id: '2', _broke: 'n: min' },
    { _file: '1.csv', _line: '7', id: '4', _broke: 'n: min' },
    { _file: '2.csv', _line: '2', id: '5', _broke: 'n: min' },
  ]);
});
