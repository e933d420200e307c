import { readCells } from '../../support/read-cells.ts';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { keyedShare } from '../../../activities/build/evaluation/trained-on.ts';
import { sha256OfBytes } from '../../../contracts/digest.ts';
import type { SplitWindow } from '../../../ports/table-engine.ts';
import { bikeData, tableEngineBench } from '../../support/table-engine-of-tests.ts';

const bench = tableEngineBench();
const { engine, csv, prepare, look } = bench;
const features = [
  'season',
  'mnth',
  'hr',
  'holiday',
  'weekday',
  'workingday',
  'weathersit',
  'temp',
  'atemp',
  'hum',
  'windspeed',
];
let parts: string[];

beforeAll(async () => {
  const files = [{ name: 'hour.csv', path: bikeData, format: 'csv' as const }];
  const batch = await prepare(files, {
    key: 'instant',
    timestamp: 'CAST(dteday AS TIMESTAMP) + to_hours(hr)',
    timezone: 'America/New_York',
  });
  parts = batch.parts.map(({ path }) => path);
});

async function split(request: Partial<SplitWindow> = {}) {
  const folder = bench.folder();
  const paths = {
    trainPath: join(folder, 'train.parquet'),
    holdoutPath: join(folder, 'holdout.parquet'),
    validationPath: join(folder, 'validation.parquet'),
  };
  const rows = await engine.splitWindow({
    parts,
    from: '2011-01-01T05:00:00.000Z',
    to: '2011-07-01T04:00:00.000Z',
    holdout: { kind: 'last', from: '2011-06-17T04:00:00.000Z' },
    features,
    target: 'cnt',
    carried: ['workingday', 'instant'],
    key: 'instant',
    ...paths,
    ...request,
  });
  return { ...rows, ...paths };
}

const columnsOf = async (path: string) =>
  (await look(`DESCRIBE SELECT * FROM '${path}'`)).map(
    (column) => `${String(column.column_name)} ${String(column.column_type)}`,
  );

describe('the first half of 2011 in New York, its last 14 days held out', () => {
  test('has 3914 training rows and 336 held out', async () => {
    const window = await split();
    expect(window).toMatchObject({ trainingRows: 3914, holdoutRows: 336 });
    expect(await look(`SELECT count(*) AS rows FROM '${window.trainPath}'`)).toEqual([{ rows: '3914' }]);
    expect(
      await look(
        `SELECT count(*) AS rows, min("_at")::VARCHAR AS first, max("_at")::VARCHAR AS last FROM '${window.holdoutPath}'`,
      ),
    ).toEqual([{ rows: '336', first: '2011-06-17 04:00:00', last: '2011-07-01 03:00:00' }]);
  });

  test('gives training only the features and the target', async () => {
    const { trainPath, holdoutPath, validationPath } = await split();
    const typed = features.map(
      (name) => `${name} ${['temp', 'atemp', 'hum', 'windspeed'].includes(name) ? 'DOUBLE' : 'BIGINT'}`,
    );
    expect(await columnsOf(trainPath)).toEqual([...typed, 'cnt BIGINT']);
    expect(await columnsOf(holdoutPath)).toEqual(['_at TIMESTAMP', 'instant BIGINT', ...typed, 'cnt BIGINT']);
    expect(await columnsOf(validationPath)).toEqual(typed);
  });

  test('gives the same bytes again, however its parts are split', async () => {
    const first = await split();
    const digest = async (path: string) => sha256OfBytes(await readFile(path));
    const files = [{ name: 'hour.csv', path: bikeData, format: 'csv' as const }];
    const half = {
      key: 'instant',
      timestamp: 'CAST(dteday AS TIMESTAMP) + to_hours(hr)',
      timezone: 'America/New_York',
    };
    const early = await prepare(files, { ...half, before: '2011-03-01T00:00:00.000Z' });
    const late = await prepare(files, { ...half, from: '2011-03-01T00:00:00.000Z' });
    const second = await split({ parts: [...late.parts, ...early.parts].map(({ path }) => path) });
    for (const name of ['trainPath', 'holdoutPath', 'validationPath'] as const)
      expect(await digest(second[name])).toBe(await digest(first[name]));
  });
});

test('skipped and repeated hours of clock changes keep their rows', async () => {
  const days = await split({
    from: '2011-11-05T04:00:00.000Z',
    to: '2011-11-08T05:00:00.000Z',
    holdout: { kind: 'last', from: '2011-11-07T05:00:00.000Z' },
  });
  const expected = (await readFile(bikeData, 'utf8'))
    .split('\n')
    .filter((line) => /,2011-11-0[567],/.test(line)).length;
  expect(days.trainingRows + days.holdoutRows).toBe(expected);
  const local = await look(
    `SELECT count(*) AS rows FROM '${parts[0]}' WHERE dteday = '2011-11-06' AND "_at" >= '2011-11-06 04:00' AND "_at" < '2011-11-07 05:00'`,
  );
  expect(local).toEqual(await look(`SELECT count(*) AS rows FROM '${parts[0]}' WHERE dteday = '2011-11-06'`));
});

test('a fraction by key uses the first 52 bits of its SHA-256, in every window', async () => {
  const held = (key: number): boolean =>
    Number(BigInt(`0x${createHash('sha256').update(String(key)).digest('hex').slice(0, 13)}`)) / 2 ** 52 < 0.2;
  const { holdoutPath, holdoutRows } = await split({ holdout: { kind: 'fraction', fraction: 0.2, by: 'instant' } });
  const expected = Array.from({ length: 4250 }, (_, at) => at + 1).filter(held);
  expect(
    (await look(`SELECT instant FROM '${holdoutPath}'`))
      .map(({ instant }) => Number(instant))
      .toSorted((a, b) => a - b),
  ).toEqual(expected);
  expect(holdoutRows).toBe(expected.length);
});

test.each(['at', 'day', 'n', 'word', 'x'])(
  'a fraction by %s, of any type and if missing, is recognised from the values in the holdout',
  async (by) => {
    const lines = Array.from({ length: 60 }, (_, at) => {
      const day = `2024-01-${String((at % 28) + 1).padStart(2, '0')}`;
      return at % 9 === 8 ? `${at},,,,` : `${at},${day} 0${at % 9}:30,${day},${at / 4},ü${at}`;
    });
    const { parts: given } = await prepare([await csv('keys.csv', `x,at,day,n,word\n${lines.join('\n')}\n`)]);
    const { holdoutPath } = await split({
      parts: given.map(({ path }) => path),
      from: undefined,
      to: undefined,
      holdout: { kind: 'fraction', fraction: 0.5, by },
      features: ['n'],
      target: 'x',
      carried: by === 'x' || by === 'n' ? [] : [by],
      key: undefined,
    });
    const { columns } = await readCells(engine, { files: [holdoutPath], columns: [], texts: [by] });
    const shares = columns[`text ${by}`]!.map((cell) => keyedShare(cell === null ? null : String(cell)));
    expect(shares.length).toBeGreaterThan(0);
    expect(shares.filter((share) => share >= 0.5)).toEqual([]);
  },
);

describe('an impossible split is refused', () => {
  test.each<[string, Partial<SplitWindow>]>([
    ['a split without training rows', { holdout: { kind: 'last', from: '2011-01-01T05:00:00.000Z' } }],
    ['a split without held-out rows', { holdout: { kind: 'last', from: '2011-07-01T04:00:00.000Z' } }],
    ['an empty window', { from: '2020-01-01T00:00:00.000Z', to: '2020-02-01T00:00:00.000Z' }],
    ['no parts', { parts: [] }],
  ])('%s is no-data', async (_name, request) => {
    await expect(split(request)).rejects.toMatchObject({ code: 'no-data' });
  });

  test('with the name of an absent column', async () => {
    await expect(split({ carried: ['nosuch'] })).rejects.toMatchObject({
      code: 'schema-changed',
      fields: { column: 'nosuch' },
    });
  });

  test('for a window of time without a timestamp', async () => {
    const batch = await prepare([await csv('n.csv', 'a,b\n1,2\n3,4\n')]);
    await expect(
      split({ parts: batch.parts.map(({ path }) => path), features: ['a'], target: 'b', carried: [], key: undefined }),
    ).rejects.toMatchObject({ code: 'no-data' });
  });
});

describe('reading columns', () => {
  test('returns cells in file order, within half-open bounds', async () => {
    const { holdoutPath } = await split();
    const [from, to] = ['2011-06-17T04:00:00.000Z', '2011-06-17T07:00:00.000Z'];
    const columns = ['_at', 'hr', 'temp'];
    const read = await readCells(engine, { files: [holdoutPath], columns, between: { column: '_at', from, to } });
    expect(read).toEqual({
      rows: 3,
      columns: {
        _at: ['2011-06-17T04:00:00.000Z', '2011-06-17T05:00:00.000Z', '2011-06-17T06:00:00.000Z'].map(Date.parse),
        hr: [0, 1, 2],
        temp: [0.56, 0.56, 0.56],
      },
    });
  });

  test('returns all rows of the dataset in order', async () => {
    const read = await readCells(engine, { files: parts, columns: ['cnt'], orderBy: ['cnt'] });
    expect(read.rows).toBe(17_379);
    expect(read.columns.cnt?.[0]).toBe(1);
    expect(read.columns.cnt?.at(-1)).toBe(977);
    expect(read.columns.cnt?.reduce((sum: number, cell) => sum + Number(cell), 0)).toBe(3_292_679);
  });

  test('returns every type as its JSON equivalent', async () => {
    const batch = await prepare([
      await csv(
        'c.csv',
        'b,i,big,n,s,t,z,d\ntrue,1,9007199254740993,0.5,ü,2024-01-02 03:04,2024-01-02T03:04:05.5Z,2024-01-02\n,,,,,,,\n',
      ),
    ]);
    const names = batch.columns.map(({ name }) => name);
    const { columns } = await readCells(engine, {
      files: batch.parts.map(({ path }) => path),
      columns: names,
      orderBy: ['i'],
    });
    expect(names.map((name) => columns[name])).toEqual([
      [true, null],
      [1, null],
      ['9007199254740993', null],
      [0.5, null],
      ['ü', null],
      ['2024-01-02T03:04:00.000', null],
      ['2024-01-02T03:04:05.500Z', null],
      ['2024-01-02', null],
    ]);
  });

  test('names an absent column', async () => {
    await expect(readCells(engine, { files: parts, columns: ['nosuch'] })).rejects.toMatchObject({
      code: 'schema-changed',
      fields: { column: 'nosuch' },
    });
  });
});

describe('the profile', () => {
  test('of the bike data', async () => {
    const profile = await engine.profile(parts, [
      { name: 'cnt', type: 'integer', nullable: false },
      { name: 'season', type: 'integer', nullable: false },
      { name: 'dteday', type: 'date', nullable: false },
    ]);
    const [cnt, season, dteday] = profile.columns;
    expect(cnt).toMatchObject({ name: 'cnt', count: 17_379, nulls: 0, min: 1, max: 977 });
    // The reference value is from pandas: describe() of the same column.
    expect(cnt?.mean).toBeCloseTo(189.46308763450142, 10);
    expect(cnt?.standardDeviation).toBeCloseTo(181.38759909186476, 8);
    expect(cnt?.quantiles?.slice(2, 5)).toEqual([40, 142, 281]);
    expect(season?.top).toEqual([
      { value: 3, count: 4496 },
      { value: 2, count: 4409 },
      { value: 1, count: 4242 },
      { value: 4, count: 4232 },
    ]);
    expect(dteday).toMatchObject({ distinct: 731, min: '2011-01-01', max: '2012-12-31', mean: null });
    expect(dteday?.quantiles?.slice(2, 5)).toEqual(['2011-07-04', '2012-01-02', '2012-07-02']);
    // Counted separately, in twenty bins of equal width.
    expect(cnt?.histogram?.edges.slice(0, 3)).toEqual([1, 49.8, 98.6]);
    expect(cnt?.histogram?.counts.reduce((sum, count) => sum + count, 0)).toBe(17_379);
    expect(cnt?.histogram?.counts.slice(0, 3)).toEqual([4821, 2151, 1917]);
    expect(dteday?.histogram?.edges.at(-1)).toBe('2012-12-31T00:00:00.000Z');
    expect(dteday?.top).toHaveLength(10);
  });

  test('of a column without values, and of no parts', async () => {
    const batch = await prepare([await csv('n.csv', 'a,b\n1,\n2,\n')]);
    const profile = await engine.profile(
      batch.parts.map(({ path }) => path),
      batch.columns,
    );
    expect(profile.columns[1]).toEqual({
      name: 'b',
      count: 2,
      nulls: 2,
      distinct: 0,
      min: null,
      max: null,
      mean: null,
      standardDeviation: null,
      quantiles: null,
      histogram: null,
      top: [],
    });
    expect((await engine.profile([], batch.columns)).columns[0]).toMatchObject({
      name: 'a',
      count: 0,
      quantiles: null,
    });
  });
});

describe('data.fill', () => {
  const rows = ['id,city,size,y', '1,Graz,1.5,1', '2,,2.5,2', '3,,,3', '4,Wien,,4', '5,,5.5,5'].join('\n');
  const fill = { city: 'unknown', size: 2.5 };

  async function filled(request: Partial<SplitWindow>) {
    const batch = await prepare([await csv('cities.csv', `${rows}\n`)], { key: 'id' });
    const allPath = join(bench.folder(), 'all.parquet');
    const holdout = { kind: 'fraction', fraction: 0.5, by: 'id' } as const;
    const cities = {
      parts: batch.parts.map(({ path }) => path),
      from: undefined,
      to: undefined,
      holdout,
      features: ['city', 'size'],
      target: 'y',
      carried: [],
      key: 'id',
      allPath,
    };
    return { allPath, ...(await split({ ...cities, ...request })) };
  }

  test('replaces missing values in the training rows, but not in the holdout', async () => {
    const window = await filled({ fill });
    const [city, size] = window.filled ?? [];
    expect(
      await look(`SELECT count(*) - count(city) AS c, count(*) - count(size) AS s FROM '${window.holdoutPath}'`),
    ).toEqual([{ c: String(city?.heldOut), s: String(size?.heldOut) }]);
    expect([city, size].map((one) => (one?.rows ?? 0) + (one?.heldOut ?? 0))).toEqual([3, 2]);
    for (const path of [window.trainPath, window.allPath, window.validationPath])
      expect(await look(`SELECT count(*) AS missing FROM '${path}' WHERE city IS NULL OR size IS NULL`)).toEqual([
        { missing: '0' },
      ]);
    expect(await look(`SELECT city, size FROM '${window.allPath}' ORDER BY y`)).toEqual([
      { city: 'Graz', size: 1.5 },
      { city: 'unknown', size: 2.5 },
      { city: 'unknown', size: 2.5 },
      { city: 'Wien', size: 2.5 },
      { city: 'unknown', size: 5.5 },
    ]);
  });

  test('is refused if its column cannot contain it, and changes nothing if it is not set', async () => {
    await expect(filled({ fill: { size: 'large' } })).rejects.toMatchObject({
      code: 'invalid-configuration',
      message: expect.stringContaining('data.fill replaces a missing "size" with "large"'),
    });
    expect(await filled({})).not.toHaveProperty('filled');
  });
});

describe('an export', () => {
  test('as CSV for spreadsheets neutralises formulas, and nothing else', async () => {
    const batch = await prepare(
      [await csv('x.csv', 'id,s,n,t\n1,=1+1,-1,2024-01-01 00:00\n2,@x,-2.5,\n3,"a, ""b""",3,2024-01-02 00:00\n')],
      { key: 'id' },
    );
    const path = join(bench.folder(), 'rows.csv');
    await engine.exportRows({
      parts: batch.parts.map((part) => part.path),
      columns: ['id', 's', 'n', 't'],
      format: 'csv',
      forSpreadsheets: true,
      path,
    });
    expect(await readFile(path, 'utf8')).toBe(
      `id,s,n,t\n1,'=1+1,-1.0,2024-01-01T00:00:00.000000\n2,'@x,-2.5,\n3,"a, ""b""",3.0,2024-01-02T00:00:00.000000\n`,
    );
  });

  test('as Parquet is one file with all parts', async () => {
    const path = join(bench.folder(), 'rows.parquet');
    await engine.exportRows({ parts: [...parts, ...parts], columns: ['instant', 'cnt'], format: 'parquet', path });
    expect(await look(`SELECT count(*) AS rows FROM '${path}'`)).toEqual([{ rows: '34758' }]);
  });
});
