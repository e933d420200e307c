import { readCells } from '../../support/read-cells.ts';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sha256OfBytes } from '../../../contracts/digest.ts';
import { after, bikeData, tableEngineBench } from '../../support/table-engine-of-tests.ts';

const bench = tableEngineBench();
const { csv, parquet, prepare, prepareHere, look } = bench;

const bikes = {
  files: [{ name: 'hour.csv', path: bikeData, format: 'csv' as const }],
  request: {
    key: 'instant',
    timestamp: 'CAST(dteday AS TIMESTAMP) + to_hours(hr)',
    timezone: 'America/New_York',
    required: ['cnt'],
  },
};

describe('the bike data', () => {
  test('is ingested completely, with types, instants and bounds', async () => {
    const batch = await prepare(bikes.files, bikes.request);
    expect(batch.rowsAdded).toBe(17_379);
    expect(Object.fromEntries(batch.columns.map(({ name, type }) => [name, type]))).toEqual({
      instant: 'integer',
      dteday: 'date',
      season: 'integer',
      yr: 'integer',
      mnth: 'integer',
      hr: 'integer',
      holiday: 'integer',
      weekday: 'integer',
      workingday: 'integer',
      weathersit: 'integer',
      temp: 'number',
      atemp: 'number',
      hum: 'number',
      windspeed: 'number',
      casual: 'integer',
      registered: 'integer',
      cnt: 'integer',
    });
    expect(batch.columns.some(({ nullable }) => nullable)).toBe(false);
    const [part] = batch.parts;
    expect(part).toMatchObject({ rows: 17_379, from: '2011-01-01T05:00:00.000Z', to: '2013-01-01T04:00:00.000Z' });
    expect(part?.sha256).toBe(sha256OfBytes(await readFile(part?.path ?? '')));
    expect(await look(`SELECT sum(cnt)::BIGINT AS cnt, count(DISTINCT instant) AS keys FROM '${part?.path}'`)).toEqual([
      { cnt: '3292679', keys: '17379' },
    ]);
  });

  test('skips known rows and adds a new month if the whole file is sent again', async () => {
    const first = await prepare(bikes.files, { ...bikes.request, before: '2011-07-01T04:00:00.000Z' });
    expect(first).toMatchObject({ rowsAdded: 4250, rowsSkipped: 0 });
    const second = await prepare(bikes.files, {
      ...bikes.request,
      ...after(first),
      before: '2011-08-01T04:00:00.000Z',
    });
    expect(second).toMatchObject({ rowsAdded: 744, rowsSkipped: 4250, columns: first.columns });
    expect(second.parts).toHaveLength(1);
    expect(second.parts[0]).toMatchObject({
      rows: 744,
      from: '2011-07-01T04:00:00.000Z',
      to: '2011-08-01T03:00:00.000Z',
    });
    const again = await prepare(bikes.files, {
      ...bikes.request,
      ...after(second),
      from: '2011-07-01T04:00:00.000Z',
      before: '2011-08-01T04:00:00.000Z',
    });
    expect(again).toMatchObject({ rowsAdded: 0, rowsSkipped: 744, parts: [] });
  });
});

describe('the same rows give the same bytes', () => {
  const header = 'id,day,x,name\n';
  const lines = Array.from(
    { length: 500 },
    (_, at) => `${at},2024-01-${String((at % 28) + 1).padStart(2, '0')},${at / 7},n${at % 5}\n`,
  );
  const request = { key: 'id', timestamp: 'day' };

  test('if prepared twice, in another order, or split into two files', async () => {
    const whole = await csv('a.csv', header + lines.join(''));
    const reversed = await csv('b.csv', header + lines.toReversed().join(''));
    const first = await csv('1.csv', header + lines.slice(0, 123).join(''));
    const second = await csv('2.csv', header + lines.slice(123).join(''));
    const digests = [];
    for (const files of [[whole], [whole], [reversed], [first, second], [second, first]])
      digests.push((await prepare(files, request)).parts.map(({ sha256 }) => sha256).join());
    expect(new Set(digests).size).toBe(1);
  });

  test('also without key and time, and with equal rows', async () => {
    const rows = ['a,1\n', 'b,2\n', 'a,1\n', 'c,\n'];
    const digests = [];
    for (const order of [rows, rows.toReversed()])
      digests.push((await prepare([await csv('r.csv', `k,v\n${order.join('')}`)])).parts[0]?.sha256);
    expect(digests[0]).toBe(digests[1]);
  });

  test('because rows are sorted by instant, then key', async () => {
    const batch = await prepare([await csv('s.csv', 'id,day\n3,2024-01-02\n1,2024-01-03\n2,2024-01-02\n')], request);
    expect(await look(`SELECT id FROM '${batch.parts[0]?.path}'`)).toEqual([{ id: '2' }, { id: '3' }, { id: '1' }]);
  });
});

describe('types are inferred over all rows', () => {
  const typesOf = async (text: string): Promise<Record<string, string>> =>
    Object.fromEntries((await prepareHere([await csv('t.csv', text)])).columns.map(({ name, type }) => [name, type]));

  test('for each of the six types, with nulls and quotes', async () => {
    expect(
      await typesOf(
        'b,i,n,s,t,z,d,e\ntrue,1,1.5,"x, ""y""",2024-01-02 03:04,2024-01-02T03:04:05Z,2024-01-02,\nFALSE,-2,2,,2024-01-02T03:04:05.678,2024-01-02 03:04:05+02:00,,\n',
      ),
    ).toEqual({
      b: 'boolean',
      i: 'integer',
      n: 'number',
      s: 'string',
      t: 'timestamp',
      z: 'timestamp',
      d: 'date',
      e: 'string',
    });
  });

  test('even if the very last value decides', async () => {
    const many = '1\n'.repeat(30_000);
    expect(await typesOf(`a\n${many}2.5\n`)).toEqual({ a: 'number' });
    expect(await typesOf(`a\n${many}x\n`)).toEqual({ a: 'string' });
  });

  test('and numbers stay text if a cast would change them', async () => {
    expect(
      await typesOf(
        'long,infinite,day,mixed\n12345678901234567890,inf,2024-02-30,2024-01-01\n1,1.5,2024-01-01,2024-01-01 00:00\n',
      ),
    ).toEqual({ long: 'string', infinite: 'string', day: 'string', mixed: 'string' });
  });

  test.each([[';'], ['\t'], ['|']])('and the delimiter %j is detected from the header', async (delimiter) => {
    expect(await typesOf(`a${delimiter}"b${delimiter}c"\n1${delimiter}x,y\n`)).toEqual({
      a: 'integer',
      [`b${delimiter}c`]: 'string',
    });
  });

  test('despite a byte order mark, carriage returns and a missing final line end', async () => {
    expect(await typesOf('\ufeffa,b\r\n1,2\r\n3,4')).toEqual({ a: 'integer', b: 'integer' });
  });

  test('and quotes within cells, line breaks within quotes and blank lines lose no row', async () => {
    const batch = await prepareHere([await csv('q.csv', '"a\nb",c\n5" pipe,"x\r\ny"\n\n"say ""hi""",z\n"",""\n')]);
    expect(await look(`SELECT * FROM '${batch.parts[0]?.path}' ORDER BY 1`)).toEqual([
      { 'a\nb': '', c: '' },
      { 'a\nb': '5" pipe', c: 'x\r\ny' },
      { 'a\nb': 'say "hi"', c: 'z' },
    ]);
  });

  test('and a file of integers with a file of decimals gives numbers', async () => {
    const batch = await prepareHere([await csv('1.csv', 'a\n1\n'), await csv('2.csv', 'a\n1.5\n')]);
    expect(batch.columns).toEqual([{ name: 'a', type: 'number', nullable: false }]);
  });

  test('except for Parquet, which has its own types', async () => {
    const batch = await prepareHere([
      await parquet(
        'p.parquet',
        "SELECT true AS b, 1::SMALLINT AS i, 1.5::FLOAT AS f, 2.25::DECIMAL(9,2) AS m, 'x' AS s, TIMESTAMP '2024-01-02 03:04:05' AS t, DATE '2024-01-02' AS d",
      ),
    ]);
    expect(Object.fromEntries(batch.columns.map(({ name, type }) => [name, type]))).toEqual({
      b: 'boolean',
      i: 'integer',
      f: 'number',
      m: 'number',
      s: 'string',
      t: 'timestamp',
      d: 'date',
    });
    expect(await look(`SELECT i, f, m FROM '${batch.parts[0]?.path}'`)).toEqual([{ i: '1', f: 1.5, m: 2.25 }]);
  });
});

describe('instants', () => {
  const at = async (rows: readonly string[], request: object): Promise<unknown[]> => {
    const batch = await prepareHere([await csv('i.csv', `id,t\n${rows.map((row, id) => `${id},${row}\n`).join('')}`)], {
      key: 'id',
      timestamp: 't',
      ...request,
    });
    return (
      await look(`SELECT strftime("_at", '%Y-%m-%dT%H:%M') AS at FROM '${batch.parts[0]?.path}' ORDER BY id`)
    ).map((row) => row.at);
  };

  test('a time that New York skips is read one hour later, and a repeated one as its first occurrence', async () => {
    expect(
      await at(
        [
          '2011-03-13 01:30',
          '2011-03-13 02:30',
          '2011-03-13 03:30',
          '2011-11-06 00:30',
          '2011-11-06 01:30',
          '2011-11-06 02:00',
        ],
        { timezone: 'America/New_York' },
      ),
    ).toEqual([
      '2011-03-13T06:30',
      '2011-03-13T07:30',
      '2011-03-13T07:30',
      '2011-11-06T04:30',
      '2011-11-06T05:30',
      '2011-11-06T07:00',
    ]);
  });

  test('clock changes of half an hour and both changes of a year are read correctly', async () => {
    expect(
      await at(['2024-04-07 01:45', '2024-10-06 02:15', '2024-04-07 02:00'], { timezone: 'Australia/Lord_Howe' }),
    ).toEqual(['2024-04-06T14:45', '2024-10-05T15:45', '2024-04-06T15:30']);
    expect(await at(['2024-10-27 02:30', '2024-03-31 02:30'], { timezone: 'Europe/Berlin' })).toEqual([
      '2024-10-27T00:30',
      '2024-03-31T01:30',
    ]);
  });

  test('values with an offset are instants in every zone', async () => {
    expect(await at(['2024-01-01T00:00:00+02:00', '2024-01-01T00:00:00Z'], { timezone: 'America/New_York' })).toEqual([
      '2023-12-31T22:00',
      '2024-01-01T00:00',
    ]);
  });

  test('a day is midnight in the zone, and to_timestamp gives instants', async () => {
    expect(await at(['2024-07-01'], { timezone: 'America/New_York' })).toEqual(['2024-07-01T04:00']);
    expect(await at(['1704067200'], { timezone: 'America/New_York', timestamp: 'to_timestamp(t)' })).toEqual([
      '2024-01-01T00:00',
    ]);
  });

  test('bounds are half-open, and rows outside are left out before any check', async () => {
    const file = await csv('o.csv', 'id,t,v\n1,2024-01-01,1\n1,2024-01-01,2\n2,2024-01-02,3\n3,2024-01-03,-4\n');
    const batch = await prepareHere([file], {
      key: 'id',
      timestamp: 't',
      from: '2024-01-02T00:00:00.000Z',
      before: '2024-01-03T00:00:00.000Z',
      expectations: [{ column: 'v', min: 0, severity: 'error' }],
    });
    expect(batch).toMatchObject({ rowsAdded: 1, quarantine: null });
    const none = await prepareHere([file], { key: 'id', timestamp: 't', before: '2020-01-01T00:00:00.000Z' });
    expect(none).toMatchObject({ rowsAdded: 0, parts: [] });
  });

  test('bounds of a part are exact to the microsecond', async () => {
    const batch = await prepareHere(
      [await csv('m.csv', 't\n2024-01-01 00:00:00.123456\n2024-01-01 00:00:00.123956\n')],
      { timestamp: 't' },
    );
    expect(batch.parts[0]).toMatchObject({ from: '2024-01-01T00:00:00.123Z', to: '2024-01-01T00:00:00.124Z' });
  });
});

describe('a further batch', () => {
  test('accepts integers for numbers, another column order, and nulls, which make the column nullable', async () => {
    const first = await prepareHere([await csv('1.csv', 'id,x\n1,1.5\n')], { key: 'id' });
    const second = await prepareHere([await csv('2.csv', 'x,id\n2,2\n,3\n')], { key: 'id', ...after(first) });
    expect(second.rowsAdded).toBe(2);
    expect(second.columns).toEqual([
      { name: 'id', type: 'integer', nullable: false },
      { name: 'x', type: 'number', nullable: true },
    ]);
    const third = await prepareHere([await parquet('3.parquet', 'SELECT 4 AS id, 7::INTEGER AS x')], {
      key: 'id',
      ...after(second),
      known: [...after(first).known, ...after(second).known],
    });
    expect(third).toMatchObject({ rowsAdded: 1, columns: second.columns });
  });

  test('has only new rows without a key', async () => {
    const file = await csv('1.csv', 'x\n1\n');
    const first = await prepareHere([file]);
    expect(await prepareHere([file], after(first))).toMatchObject({ rowsAdded: 1, rowsSkipped: 0 });
  });

  test('skips an equal row without a new part, and nulls are equal to each other', async () => {
    const file = await csv('1.csv', 'id,x,t\n1,,2024-01-01\n2,5,2024-01-02\n');
    const first = await prepareHere([file], { key: 'id', timestamp: 't' });
    expect(await prepareHere([file], { key: 'id', timestamp: 't', ...after(first) })).toMatchObject({
      rowsAdded: 0,
      rowsSkipped: 2,
      parts: [],
      columns: first.columns,
    });
  });
});

test('a path may contain glob characters', async () => {
  const path = join(bench.folder(), "o'dd [x] *?.csv");
  await writeFile(path, 'a\n1\n');
  const outputFolder = join(bench.folder(), 'out [1]*');
  await mkdir(outputFolder);
  const batch = await prepare([{ name: 'odd.csv', path, format: 'csv' }], { outputFolder });
  expect(await prepare([{ name: 'odd.csv', path, format: 'csv' }], after(batch))).toMatchObject({ rowsAdded: 1 });
  expect(
    (await readCells(bench.engine, { files: batch.parts.map((part) => part.path), columns: ['a'] })).columns,
  ).toEqual({ a: [1] });
});
