import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readFile } from 'node:fs/promises';
import { type LockedDatabase, openLockedDatabase } from '../../../adapters/table-engine/process/locked-database.ts';
import type { TableWorkplace } from '../../../adapters/table-engine/process/table-workplace.ts';
import { prepareBatch } from '../../../adapters/table-engine/preparing/prepare-batch.ts';
import { scanCells } from '../../../adapters/table-engine/reading/scan-cells.ts';
import { scanRecords } from '../../../adapters/table-engine/reading/text-records.ts';
import { anyForm, formBit } from '../../../adapters/table-engine/reading/cell-forms.ts';
import { patternOf } from '../../../adapters/table-engine/typing/spellings.ts';
import { PerennialError } from '../../../contracts/errors.ts';
import type { PrepareBatch, PreparedBatch } from '../../../ports/table-engine.ts';
import { after, bikeData, tableEngineBench } from '../../support/table-engine-of-tests.ts';

const bench = tableEngineBench();
const { csv, prepareHere } = bench;

type Rows = readonly (readonly string[])[];

const text = (names: readonly string[], rows: Rows): string =>
  `${[names, ...rows].map((row) => row.join(',')).join('\n')}\n`;

/** What a batch gives, without paths; an error if it is refused. */
async function outcome(prepared: Promise<PreparedBatch>): Promise<unknown> {
  try {
    const { parts, warnings, quarantine, known: _known, summaries, ...rest } = await prepared;
    return {
      ...rest,
      facts: summaries.map(({ part, facts }) => ({ part, facts })),
      quarantine: quarantine?.rows ?? null,
      parts: parts.map(({ path: _path, ...part }) => part),
      warnings: warnings.filter(({ kind }) => kind !== 'empty-text'),
    };
  } catch (caught) {
    if (!(caught instanceof PerennialError)) throw caught;
    return { code: caught.code, message: caught.message, fields: caught.fields };
  }
}

/** Prepares the rows twice. An ignored column of quoted empty fields makes the second file take the long way. */
async function bothWays(names: readonly string[], rows: Rows, request: Partial<PrepareBatch>): Promise<unknown[]> {
  const columns = { spare: 'ignore' as const };
  const quick = rows.map((row) => [...row, 'x']);
  const long = rows.map((row) => [...row, '""']);
  return Promise.all(
    [quick, long].map(async (given) =>
      outcome(
        prepareHere([await csv('rows.csv', text([...names, 'spare'], given))], {
          ...request,
          columns: { ...columns, ...request.columns },
        }),
      ),
    ),
  );
}

const texts = `0 1 -1 007 +5 12 -0 1.5 1.50 .5 1. 1e5 1E-7 1e-07 0.1234567890123456 12345678901234567890
  9223372036854775807 9223372036854775808 1e400 NaN inf -inf 1_000 true False t yes NA n/a - word größe ½ 1;5
  2026-01-02 2026-02-30 2026-01-02T03:04:05Z 2026-01-02T03:04 2026-01-02T03:04:05.123456+02 0000-01-01
  "quoted" "a""b" "1" "2026-01-02"`;
const cell = fc.constantFrom(...texts.split(/\s+/), '', ' 1', '1 ', '2026-01-02 03:04', '"a ""b"""', '"a,b"');

describe('rows that are read straight into their types are the rows of the long way', () => {
  test('for columns of any few texts', async () => {
    const column = fc.uniqueArray(cell, { minLength: 1, maxLength: 3 });
    const columns = fc.array(column, { minLength: 2, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(columns, fc.boolean(), async (values, withNulls) => {
        const names = values.map((_, at) => `c${at}`);
        const rows = Array.from({ length: 7 }, (_, row) => values.map((few) => few[row % few.length] ?? ''));
        const [quick, long] = await bothWays(names, rows, withNulls ? { nulls: ['NA', 'n/a', '-'] } : {});
        expect(quick).toEqual(long);
      }),
      { numRuns: 60 },
    );
  });

  test.each([
    ['1', '1.5'],
    ['1', 'x'],
    ['1', '12345678901234567890'],
    ['1.5', '1e-7'],
    ['1.5', '0.12345678901234567'],
    ['1.5', '0.1234567890123456789012'],
    ['1E5', '2.5'],
    ['', '5'],
    ['', 'x'],
    ['2026-01-02', '2026-02-30'],
    ['2026-01-02', '2026-01-02 03:04'],
    ['true', '1'],
    ['a', '1'],
  ])('for a column of %j in which a late row has %j', async (early, late) => {
    const rows = Array.from({ length: 11_000 }, (_, row) => [String(row), row === 10_500 ? late : early]);
    const [quick, long] = await bothWays(['id', 'value'], rows, { key: 'id' });
    expect(quick).toEqual(long);
  });

  test.each<[string, Partial<PrepareBatch>]>([
    ['declared types', { columns: { a: 'number', b: 'string', c: 'boolean' } }],
    ['a declared type that does not fit', { columns: { d: 'integer' } }],
    ['a key and local times', { key: 'a', timestamp: 'CAST(e AS TIMESTAMP)', timezone: 'America/New_York' }],
    [
      'bounds on the time',
      { key: 'a', timestamp: 'e', from: '2026-03-08T07:00:00.000Z', before: '2026-03-08T20:00:00.000Z' },
    ],
    ['a repeated key', { key: 'b' }],
    ['a time that a row lacks', { timestamp: 'f' }],
    ['expectations', { expectations: [{ column: 'b', severity: 'error', min: 2 }] }],
    ['expected types', { expectations: [{ column: 'b', severity: 'error', type: 'number' }] }],
    ['descending times', { key: 'a', timestamp: 'g' }],
    ['a key that is missing', { key: 'f' }],
  ])('with %s', async (_what, request) => {
    const hour = (at: number) => `2026-03-08T${String(at % 24).padStart(2, '0')}:30:00`;
    const rows = Array.from({ length: 24 }, (_, at) => [
      String(at),
      `0${at % 5}`,
      String(at % 2),
      'word',
      hour(at),
      at === 9 ? '' : hour(at),
      `${hour(23 - at)}Z`,
    ]);
    const [quick, long] = await bothWays(['a', 'b', 'c', 'd', 'e', 'f', 'g'], rows, request);
    expect(quick).toEqual(long);
  });

  test.each([
    'UTC',
    'Europe/Berlin',
    'America/St_Johns',
    'Australia/Lord_Howe',
    'Asia/Kathmandu',
    'Pacific/Apia',
    'Africa/Cairo',
  ])('for local times of %s, around its clock changes too', async (timezone) => {
    const minute = 60_000;
    const around = Array.from({ length: 1200 }, (_, at) => Date.UTC(2011, 9, 1) + at * 97 * minute);
    const spread = Array.from({ length: 1200 }, (_, at) => Date.UTC(1973, 0, 1) + at * 16_000 * minute);
    const summer = Array.from({ length: 2 * 1440 }, (_, at) => Date.UTC(2011, 2, 12, 0, 0, 30) + at * minute);
    for (const times of [[...spread, ...summer, ...around], [...summer], [Date.UTC(1911, 2, 11)]]) {
      const rows = times.map((time, at) => [String(at), new Date(time).toISOString().slice(0, 19)]);
      const [quick, long] = await bothWays(['id', 'at'], rows, { key: 'id', timestamp: 'at', timezone });
      expect(quick).toEqual(long);
      const dates = times.map((time, at) => [String(at), new Date(time).toISOString().slice(0, 10)]);
      const [quickDates, longDates] = await bothWays(['id', 'at'], dates, { key: 'id', timestamp: 'at', timezone });
      expect(quickDates).toEqual(longDates);
    }
  });

  test('for a further batch of a dataset', async () => {
    const first = await prepareHere([await csv('a.csv', 'id,v,w,spare\n1,1.5,,x\n2,2.5,,x\n')], {
      key: 'id',
      columns: { spare: 'ignore' },
    });
    for (const value of ['3.5', '4', 'x', '']) {
      const [quick, long] = await bothWays(['id', 'v', 'w'], [['3', value, '7']], { key: 'id', ...after(first) });
      expect(quick).toEqual(long);
    }
  });

  test('for several files, with errors that name the file', async () => {
    const files = async (spare: string, last: string) => [
      await csv('a.csv', `id,v,spare\n1,5,${spare}\n2,6,${spare}\n`),
      await csv('b.csv', `id,v,spare\n3,7,${spare}\n${last},8,${spare}\n`),
    ];
    for (const last of ['4', '1']) {
      const request = { key: 'id', columns: { spare: 'ignore' as const } };
      const quick = await outcome(prepareHere(await files('x', last), request));
      expect(quick).toEqual(await outcome(prepareHere(await files('""', last), request)));
    }
  });
});

test('a file is read once for its types and once for its rows, and sorted rows are not sorted', async () => {
  const statements: string[] = [];
  const folder = bench.folder();
  const file = await csv(
    'a.csv',
    text(
      ['id', 'v'],
      Array.from({ length: 20_000 }, (_, at) => [`${at}`, `${at}.5`]),
    ),
  );
  const request = { files: [file], pinned: null, known: [], timezone: 'UTC', required: [], expectations: [] };
  await prepareBatch(
    { ...request, key: 'id', outputFolder: folder },
    workplaceOf(folder, (sql) => statements.push(sql)),
  );
  expect(statements.filter((sql) => sql.includes('read_csv'))).toHaveLength(2);
  expect(statements.filter((sql) => /ORDER BY "id"/.test(sql))).toEqual([]);
});

test('the rows of a column of local times do not ask the time zone, and parts are written without a sort', async () => {
  const statements: string[] = [];
  const folder = bench.folder();
  const minute = (at: number) => new Date(Date.UTC(2026, 2, 28) + at * 60_000).toISOString().slice(0, 19);
  const rows = Array.from({ length: 4000 }, (_, at) => [`${at}`, minute(at)]);
  const files = [await csv('a.csv', text(['id', 'at'], rows))];
  const timezone = 'Europe/Berlin';
  const request = { files, pinned: null, known: [], timezone, required: [], expectations: [] };
  const batch = await prepareBatch(
    { ...request, key: 'id', timestamp: 'at', outputFolder: folder },
    workplaceOf(folder, (sql) => statements.push(sql)),
  );
  expect(batch.parts).toHaveLength(1);
  const asking = statements.filter((sql) => sql.includes("timezone('Europe/Berlin'"));
  expect(asking.filter((sql) => /COPY|CREATE TABLE quick_rows AS SELECT "id"/.test(sql))).toEqual([]);
  const copies = statements.filter((sql) => sql.startsWith('COPY'));
  expect(copies).toHaveLength(2);
  expect(copies.filter((sql) => sql.includes('ORDER BY'))).toEqual([]);
});

function workplaceOf(folder: string, tell: (sql: string) => void): TableWorkplace {
  return {
    folder,
    open: async ({ readable, writable = [], isParallelAtFirst }) => {
      const folders = [...writable, folder];
      const limits = { memoryLimit: '256MiB', timezone: 'UTC', isParallelAtFirst };
      const database = await openLockedDatabase({ files: readable, folders, spillFolder: folder, ...limits });
      const run = (sql: string) => (tell(sql), database.run(sql));
      const runInParallel = (sql: string) => (tell(sql), database.runInParallel(sql));
      const told = (aside: LockedDatabase) => ({ ...aside, run: (sql: string) => (tell(sql), aside.run(sql)) });
      return { ...database, run, runInParallel, asides: [told(database.asides[0]), told(database.asides[1])] };
    },
    giveWay: () => undefined,
    supply: () => Promise.resolve(),
  };
}

test('the profile of a first batch is the profile of its parts', async () => {
  const file = { name: 'hour.csv', path: bikeData, format: 'csv' as const };
  const request = { key: 'instant', timestamp: 'CAST(dteday AS TIMESTAMP) + to_hours(hr)' };
  const batch = await bench.prepare([file], request);
  const paths = batch.parts.map(({ path }) => path);
  expect(batch.profile).toEqual(await bench.engine.profile(paths, batch.columns));
  const further = await bench.prepare([await csv('b.csv', await readFile(bikeData))], { ...request, ...after(batch) });
  expect(further.profile).toBeNull();
});

describe('a scan of cells', () => {
  test('finds the records of the scan of records, wherever the file is cut', async () => {
    const piece = fc.constantFrom('a', '1', ',', '\n', '\r\n', '\r', '"', '""', ' ', 'é');
    await fc.assert(
      fc.asyncProperty(
        fc.array(piece, { maxLength: 30 }),
        fc.integer({ min: 4, max: 9 }),
        async (pieces, chunkBytes) => {
          const { path } = await csv('rows.csv', `a,b\n${pieces.join('')}`);
          const [cells, records] = [
            await scanCells(path, { delimiter: ',', width: 2, nulls: [], chunkBytes }),
            await scanRecords(path, ','),
          ];
          if (cells === undefined) return;
          expect(records).toMatchObject({ records: cells.records, quotedEmpty: 0 });
          expect(records.openQuote).toBeUndefined();
        },
      ),
      { numRuns: 300 },
    );
  });

  test('knows the forms of a text as the patterns do', async () => {
    const letter = fc.constantFrom(...Array.from('0123456789+-.eETZ :truefalsTRUEx'));
    await fc.assert(
      fc.asyncProperty(fc.array(letter, { minLength: 1, maxLength: 12 }), async (letters) => {
        const value = letters.join('');
        const { path } = await csv('rows.csv', `a,b\n${value},x\n`);
        const scan = await scanCells(path, { delimiter: ',', width: 2, nulls: [] });
        const forms = (scan?.columns[0]?.all ?? 0) & anyForm;
        for (const reading of ['as-written', 'declared'] as const)
          for (const stored of ['BIGINT', 'DOUBLE', 'DATE', 'TIMESTAMP', 'TIMESTAMP WITH TIME ZONE'] as const)
            expect([value, stored, (forms & formBit(stored, reading)) !== 0]).toEqual([
              value,
              stored,
              new RegExp(`^(?:${patternOf(stored, reading)})$`).test(value),
            ]);
      }),
      { numRuns: 300 },
    );
  });
});
