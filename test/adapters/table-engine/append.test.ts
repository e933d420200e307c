import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PerennialError } from '../../../contracts/errors.ts';
import type { PrepareBatch, PreparedBatch } from '../../../ports/table-engine.ts';
import { after, tableEngineBench } from '../../support/table-engine-of-tests.ts';

const bench = tableEngineBench();
const { csv, prepare, prepareHere } = bench;

type Version = Pick<PreparedBatch, 'columns' | 'parts'> & { readonly summaries: PreparedBatch['summaries'] };

/** Joins batches into one version. */
function version(...batches: readonly PreparedBatch[]): Version {
  return {
    columns: batches.at(-1)?.columns ?? [],
    parts: batches.flatMap(({ parts }) => parts),
    summaries: [...new Map(batches.flatMap((batch) => batch.summaries.map((one) => [one.part, one]))).values()],
  };
}

/** Returns the inputs of a further batch whose known files appear only when the engine asks for them. */
function onDemand({ columns, parts, summaries }: Version) {
  const folder = bench.folder();
  const asked: string[] = [];
  const origin = new Map<string, string>();
  const known = parts.map((part, at) => {
    const summary = summaries.find((found) => found.part === part.sha256);
    const [path, keys] = [join(folder, `part-${at}.parquet`), join(folder, `keys-${at}.parquet`)];
    origin.set(path, part.path);
    if (summary === undefined) return { path, part };
    if (summary.keys !== null) origin.set(keys, summary.keys.path);
    const { stored, bounds, pieces } = summary.facts;
    const empty = pieces.flatMap(({ name, count, nulls }) => (count === nulls ? [name] : []));
    return { path, part, summary: { stored, bounds, empty, keys: summary.keys === null ? null : keys } };
  });
  const supply = async (paths: readonly string[]): Promise<void> => {
    for (const path of paths) {
      asked.push(path.slice(folder.length + 1));
      await copyFile(origin.get(path) ?? '', path);
    }
  };
  return { request: { pinned: columns, known, supply } satisfies Partial<PrepareBatch>, asked };
}

async function rows(from: number, to: number, step = 1): Promise<PrepareBatch['files'][number]> {
  const lines = Array.from({ length: Math.ceil((to - from) / step) }, (_, at) => from + at * step);
  return csv(
    'rows.csv',
    `id,v,at\n${lines.map((id) => `${id},${id % 7}.5,2026-01-01T00:${String(id % 60).padStart(2, '0')}:00Z`).join('\n')}\n`,
  );
}

const settings = { key: 'id', timestamp: 'at' };

/** Dataset of two parts: even ids from 0, and odd ids from 1001. */
async function dataset(prepared: typeof prepare = prepareHere): Promise<Version> {
  const first = await prepared([await rows(0, 100, 2)], settings);
  const second = await prepared([await rows(1001, 1100, 2)], { ...settings, ...after(first) });
  return version(first, second);
}

describe('a further batch asks', () => {
  test('for no file if its keys lie outside of the bounds of every part', async () => {
    const { request, asked } = onDemand(await dataset());
    const batch = await prepareHere([await rows(2000, 2010)], { ...settings, ...request });
    expect(batch).toMatchObject({ rowsAdded: 10, rowsSkipped: 0, profile: null });
    expect(batch.known.map(({ kind }) => kind)).toEqual(['kept', 'kept']);
    expect(asked).toEqual([]);
  });

  test('for key hashes if its keys lie within the bounds, and for the part that holds one of them', async () => {
    const first = onDemand(await dataset());
    expect(await prepareHere([await rows(1, 9, 2)], { ...settings, ...first.request })).toMatchObject({ rowsAdded: 4 });
    expect(first.asked).toEqual(['keys-0.parquet']);
    const second = onDemand(await dataset());
    const batch = await prepareHere([await rows(1001, 1005)], { ...settings, ...second.request });
    expect(batch).toMatchObject({ rowsAdded: 2, rowsSkipped: 2 });
    expect(second.asked).toEqual(['keys-1.parquet', 'part-1.parquet']);
  });

  test('for all parts if every known row is compared, and for the newest if only that counts', async () => {
    const unique = onDemand(await dataset());
    const expectations = [{ column: 'v', unique: true as const, severity: 'warn' as const }];
    await prepareHere([await rows(2000, 2002)], { ...settings, ...unique.request, expectations });
    expect(unique.asked).toEqual(['part-0.parquet', 'part-1.parquet']);
    const fresh = onDemand(await dataset());
    const newest = await prepareHere([await rows(2000, 2002)], {
      ...settings,
      ...fresh.request,
      expectations: [{ freshness: '1d', severity: 'warn' as const }],
      asOf: '2026-01-01T02:00:00.000Z',
    });
    expect(newest.expectations[0]).toMatchObject({ violations: 0, observed: '2026-01-01T00:59:00.000Z' });
    expect(fresh.asked).toEqual(['part-1.parquet']);
  });

  test('for parts without a summary, once, and summarises them', async () => {
    const made = await dataset();
    const old = onDemand({ ...made, summaries: [] });
    const batch = await prepareHere([await rows(2000, 2010)], { ...settings, ...old.request });
    expect(old.asked).toEqual(['part-0.parquet', 'part-1.parquet']);
    expect(batch.summaries.map(({ part, facts }) => ({ part, facts })).slice(1)).toEqual(
      made.summaries.map(({ part, facts }) => ({ part, facts })),
    );
  });

  test('for key hashes if the keys are too long for bounds', async () => {
    const long = 'x'.repeat(300);
    const first = await prepareHere([await csv('a.csv', `id,v\n${long}1,1\n${long}2,2\n`)], { key: 'id' });
    const { request, asked } = onDemand(version(first));
    const batch = await prepareHere([await csv('b.csv', `id,v\n${long}3,1\n`)], { key: 'id', ...request });
    expect(batch.rowsAdded).toBe(1);
    expect(asked).toEqual(['keys-0.parquet']);
  });

  test('for a column without values, whose first values give its type', async () => {
    const first = await prepareHere([await csv('a.csv', 'id,v\n1,\n2,\n')], { key: 'id' });
    const { request, asked } = onDemand(version(first));
    const batch = await prepareHere([await csv('b.csv', 'id,v\n3,1.5\n')], { key: 'id', ...request });
    expect(batch.columns[1]).toMatchObject({ name: 'v', type: 'number' });
    expect(batch.known.map(({ kind }) => kind)).toEqual(['rewritten']);
    expect(asked).toEqual(['part-0.parquet']);
  });

  test('the caller of a table process for files, which then appear in it', async () => {
    const { request, asked } = onDemand(await dataset(prepare));
    const batch = await prepare([await rows(50, 56)], { ...settings, ...request });
    expect(batch).toMatchObject({ rowsAdded: 3, rowsSkipped: 3 });
    expect(asked).toEqual(['keys-0.parquet', 'part-0.parquet']);
    expect(batch.summaries).toHaveLength(1);
    const failing = { ...request, supply: () => Promise.reject(new PerennialError('blob-missing', 'it is gone', {})) };
    await expect(prepare([await rows(50, 56)], { ...settings, ...failing })).rejects.toMatchObject({
      code: 'blob-missing',
    });
  });
});

async function outcome(prepared: Promise<PreparedBatch>): Promise<unknown> {
  try {
    const { parts, known, summaries: _summaries, quarantine: _quarantine, ...rest } = await prepared;
    return {
      ...rest,
      parts: [...known.map(({ part }) => part), ...parts].map(({ sha256, rows: count }) => [sha256, count]),
    };
  } catch (caught) {
    if (!(caught instanceof PerennialError)) throw caught;
    return { code: caught.code, message: caught.message };
  }
}

const keyTypes: Readonly<Record<string, (number: number) => string>> = {
  integers: (number) => String(number - 5),
  decimals: (number) => `${number - 5}.25`,
  texts: (number) => `ключ-${number}`,
  dates: (number) => `2026-03-${String(number + 1).padStart(2, '0')}`,
  times: (number) => `2026-03-08T0${number % 10}:${10 + Math.floor(number / 10)}:00.000001`,
  instants: (number) => `2026-03-08T0${number % 10}:${10 + Math.floor(number / 10)}:00.000001+01:00`,
};

test.each(Object.entries(keyTypes))(
  'with summaries, a batch has the result that it has with all rows: %s',
  async (_type, keyOf) => {
    const file = (numbers: readonly number[], changed: boolean) =>
      csv(
        'rows.csv',
        `id,v\n${numbers.map((number) => `${keyOf(number)},${number % 3}${changed ? '1' : ''}`).join('\n')}\n`,
      );
    const numbers = fc.uniqueArray(fc.integer({ min: 0, max: 27 }), { minLength: 1, maxLength: 6 });
    const modes = fc.constantFrom('append' as const, 'upsert' as const, 'snapshot' as const);
    await fc.assert(
      fc.asyncProperty(numbers, numbers, numbers, modes, fc.boolean(), async (one, two, three, mode, changed) => {
        const request = { key: 'id', timezone: 'America/New_York' };
        const first = await prepareHere([await file(one, false)], request);
        const added = two.filter((number) => !one.includes(number));
        const second =
          added.length === 0 ? [] : [await prepareHere([await file(added, false)], { ...request, ...after(first) })];
        const before = version(first, ...second);
        const known = before.parts.map((part) => ({ path: part.path, part }));
        const expectations = [{ rowCount: { min: 3 }, severity: 'warn' as const }];
        const batch = [await file(three, changed)];
        const asked = { ...request, mode, expectations };
        const plain = await outcome(prepareHere(batch, { ...asked, pinned: before.columns, known }));
        expect(await outcome(prepareHere(batch, { ...asked, ...onDemand(before).request }))).toEqual(plain);
      }),
      { numRuns: 6 },
    );
  },
);
