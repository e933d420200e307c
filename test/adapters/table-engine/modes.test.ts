import { describe, expect, test } from 'vitest';
import { stabilityIndexOf } from '../../../contracts/data/dataset-difference.ts';
import type { DatasetPart } from '../../../contracts/data/dataset-version.ts';
import type { PreparedBatch, PrepareBatch } from '../../../ports/table-engine.ts';
import { populationStabilityIndex } from '../../../statistics/drift/population-stability-index.ts';
import { tableEngineBench } from '../../support/table-engine-of-tests.ts';

const bench = tableEngineBench();
const { csv, prepareHere: prepare, look } = bench;

interface Version {
  readonly columns: PreparedBatch['columns'];
  readonly parts: readonly (DatasetPart & { readonly path: string })[];
}

/** Returns the version that a batch makes from the previous version. */
function versionOf(batch: PreparedBatch, before?: Version): Version {
  const kept = batch.known.map((carried) => {
    if (carried.kind === 'rewritten') return carried.part;
    const part = before?.parts.find(({ sha256 }) => sha256 === carried.part.sha256);
    if (part === undefined) throw new Error('a part is kept that was not there');
    return part;
  });
  return { columns: batch.columns, parts: [...kept, ...batch.parts] };
}

const knownOf = ({ columns, parts }: Version): Pick<PrepareBatch, 'pinned' | 'known'> => ({
  pinned: columns,
  known: parts.map(({ path, ...part }) => ({ path, part })),
});

async function ingest(text: string, request: Partial<PrepareBatch>, before?: Version) {
  const batch = await prepare([await csv('b.csv', text)], {
    key: 'id',
    ...request,
    ...(before ? knownOf(before) : {}),
  });
  return { batch, version: versionOf(batch, before) };
}

const digests = ({ parts }: Version): string[] => parts.map(({ sha256 }) => sha256);
const rowsOf = ({ parts }: Version): Promise<Record<string, unknown>[]> =>
  look(`SELECT * FROM read_parquet([${parts.map(({ path }) => `'${path}'`).join(', ')}]) ORDER BY id`);

async function threeParts(request: Partial<PrepareBatch> = {}): Promise<Version> {
  const first = await ingest('id,t,x\n1,2024-01-01,10\n2,2024-01-02,20\n', { timestamp: 't', ...request });
  const second = await ingest(
    'id,t,x\n3,2024-01-03,30\n4,2024-01-04,\n',
    { timestamp: 't', ...request },
    first.version,
  );
  return (await ingest('id,t,x\n5,2024-01-05,50\n', { timestamp: 't', ...request }, second.version)).version;
}

describe('upsert', () => {
  const request = { mode: 'upsert' as const, timestamp: 't' };

  test('rows with a known key get the new values, and only the parts that contain them are rewritten', async () => {
    const before = await threeParts();
    const { batch, version } = await ingest(
      'id,t,x\n3,2024-01-03,31\n2,2024-01-02,20\n9,2024-01-09,90\n',
      request,
      before,
    );
    expect(batch).toMatchObject({ rowsAdded: 1, rowsSkipped: 1, rowsReplaced: 1, rowsRemoved: 0 });
    expect(batch.known.map(({ kind }) => kind)).toEqual(['kept', 'rewritten', 'kept']);
    expect((await rowsOf(version)).map(({ id, x }) => [id, x])).toEqual([
      ['1', '10'],
      ['2', '20'],
      ['3', '31'],
      ['4', null],
      ['5', '50'],
      ['9', '90'],
    ]);
    expect(version.parts[1]).toMatchObject({
      rows: 1,
      from: '2024-01-04T00:00:00.000Z',
      to: '2024-01-04T00:00:00.000Z',
    });
    expect(version.parts[3]).toMatchObject({ rows: 2, from: '2024-01-03T00:00:00.000Z' });
  });

  test('a part without remaining rows is dropped, and a null that gets a value is a change', async () => {
    const { batch, version } = await ingest('id,t,x\n5,2024-01-05,51\n4,2024-01-04,40\n', request, await threeParts());
    expect(batch).toMatchObject({ rowsAdded: 0, rowsReplaced: 2 });
    expect(version.parts).toHaveLength(3);
    expect((await rowsOf(version)).map(({ x }) => x)).toEqual(['10', '20', '30', '40', '51']);
  });

  test('equal known rows change nothing, and the same batch twice gives the same version', async () => {
    const before = await threeParts();
    const text = 'id,t,x\n1,2024-01-01,11\n6,2024-01-06,60\n';
    const [once, again] = [await ingest(text, request, before), await ingest(text, request, before)];
    expect(digests(once.version)).toEqual(digests(again.version));
    const nothing = await ingest(text, request, once.version);
    expect(nothing.batch).toMatchObject({ rowsAdded: 0, rowsReplaced: 0, rowsSkipped: 2 });
    expect(digests(nothing.version)).toEqual(digests(once.version));
  });

  test('unique checks only the rows that remain', async () => {
    const expectations = [{ column: 'x', unique: true as const, severity: 'error' as const }];
    const before = await threeParts();
    const swapped = 'id,t,x\n1,2024-01-01,20\n2,2024-01-02,10\n';
    expect((await ingest(swapped, { ...request, expectations }, before)).batch.refused).toBe(false);
    const taken = 'id,t,x\n1,2024-01-01,50\n';
    expect((await ingest(taken, { ...request, expectations }, before)).batch).toMatchObject({
      refused: true,
      expectations: [{ violations: 1 }],
    });
  });
});

describe('snapshot', () => {
  const request = { mode: 'snapshot' as const, timestamp: 't' };

  test('the batch is the whole dataset, and rows missing from it are removed', async () => {
    const { batch, version } = await ingest(
      'id,t,x\n1,2024-01-01,10\n3,2024-01-03,31\n7,2024-01-07,70\n',
      request,
      await threeParts(),
    );
    expect(batch).toMatchObject({ rowsAdded: 1, rowsSkipped: 1, rowsReplaced: 1, rowsRemoved: 3, known: [] });
    expect((await rowsOf(version)).map(({ id }) => id)).toEqual(['1', '3', '7']);
  });

  test('without a key, equal rows are counted', async () => {
    const first = await ingest('id,x\n1,1\n1,1\n2,2\n', { mode: 'snapshot', key: undefined });
    const { batch } = await ingest('id,x\n1,1\n2,3\n', { mode: 'snapshot', key: undefined }, first.version);
    expect(batch).toMatchObject({ rowsAdded: 1, rowsSkipped: 1, rowsReplaced: 0, rowsRemoved: 2 });
  });

  test('the same rows in another order give the same version', async () => {
    const first = await ingest('id,t,x\n1,2024-01-01,1\n2,2024-01-02,2\n', request);
    const second = await ingest('id,t,x\n2,2024-01-02,2\n1,2024-01-01,1\n', request, first.version);
    expect(digests(second.version)).toEqual(digests(first.version));
  });
});

describe('an expectation of a type decides about a changed schema', () => {
  const typed = (type: 'number' | 'timestamp' | 'string' | 'integer', column = 'x') => ({
    expectations: [{ column, type, severity: 'error' as const }],
  });

  test('integers become numbers once a fraction comes, and all parts are rewritten', async () => {
    const before = await threeParts();
    const more = 'id,t,x\n6,2024-01-06,6.5\n';
    await expect(ingest(more, { timestamp: 't' }, before)).rejects.toMatchObject({
      code: 'schema-changed',
      fields: { column: 'x', expected: 'integer', value: '6.5' },
    });
    const whole = await ingest('id,t,x\n6,2024-01-06,60\n', { timestamp: 't', ...typed('number') }, before);
    expect(whole.batch.known.map(({ kind }) => kind)).toEqual(['kept', 'kept', 'kept']);
    const { batch, version } = await ingest(more, { timestamp: 't', ...typed('number') }, before);
    expect(batch.known.map(({ kind }) => kind)).toEqual(['rewritten', 'rewritten', 'rewritten']);
    expect(batch.columns.find(({ name }) => name === 'x')?.type).toBe('number');
    expect((await rowsOf(version)).map(({ x }) => x)).toEqual([10, 20, 30, null, 50, 6.5]);
  });

  test('a known integer with too many digits for a number refuses the change', async () => {
    const first = await ingest('id,x\n1,9007199254740993\n', {});
    await expect(ingest('id,x\n2,0.5\n', typed('number'), first.version)).rejects.toMatchObject({
      code: 'schema-changed',
      fields: { value: '9007199254740993' },
    });
  });

  test('a new column is added with its type, and is null in earlier rows', async () => {
    const before = await threeParts();
    const more = 'id,t,x,zip\n6,2024-01-06,60,01234\n';
    await expect(ingest(more, { timestamp: 't' }, before)).rejects.toMatchObject({
      code: 'schema-changed',
      fields: { column: 'zip' },
    });
    const { batch, version } = await ingest(more, { timestamp: 't', ...typed('string', 'zip') }, before);
    expect(batch.columns.at(-1)).toEqual({ name: 'zip', type: 'string', nullable: true });
    expect((await rowsOf(version)).map(({ zip }) => zip)).toEqual([null, null, null, null, null, '01234']);
  });

  test('values that do not fit the wider type either are refused', async () => {
    await expect(
      ingest('id,t,x\n6,2024-01-06,six\n', { timestamp: 't', ...typed('number') }, await threeParts()),
    ).rejects.toMatchObject({ code: 'schema-changed', fields: { column: 'x', value: 'six' } });
  });

  test('in a first batch it decides how text is read: digits as text, integers as numbers', async () => {
    const zip = await ingest('id,x\n1,01234\n', typed('string'));
    expect(zip.batch).toMatchObject({ refused: false, columns: [{ name: 'id' }, { type: 'string' }] });
    expect(await rowsOf(zip.version)).toEqual([{ id: '1', x: '01234' }]);
    expect((await ingest('id,x\n1,2\n', typed('number'))).batch.columns[1]?.type).toBe('number');
    expect((await ingest('id,x\n1,a\n', typed('number'))).batch).toMatchObject({ refused: true });
  });
});

describe('the difference of two versions', () => {
  const compare = (before: Version, after: Version, key?: string) =>
    bench.engine.compare({ before, after, ...(key === undefined ? {} : { key }) });

  test('counts rows added, removed and changed by key, and names the changed columns', async () => {
    const before = await threeParts();
    const { version } = await ingest(
      'id,t,x\n1,2024-01-01,10\n2,2024-01-08,21\n3,2024-01-03,31\n6,2024-01-06,60\n',
      { mode: 'snapshot', timestamp: 't' },
      before,
    );
    const found = await compare(before, version, 'id');
    expect(found.rows).toEqual({ added: 1, removed: 2, changed: 2, unchanged: 1 });
    expect(found.changedBy).toEqual([
      { column: 't', rows: 1 },
      { column: 'x', rows: 2 },
    ]);
    expect(found.examples).toEqual({
      added: [6],
      removed: [4, 5],
      changed: [
        { key: 2, column: 't', before: '2024-01-02', after: '2024-01-08' },
        { key: 2, column: 'x', before: 20, after: 21 },
        { key: 3, column: 'x', before: 30, after: 31 },
      ],
    });
  });

  test('without a key, compares whole rows and their number', async () => {
    const before = (await ingest('id,x\n1,1\n1,1\n2,2\n', { key: undefined })).version;
    const after = (await ingest('id,x\n1,1\n2,3\n', { key: undefined })).version;
    expect((await compare(before, after)).rows).toEqual({ added: 1, removed: 2, changed: null, unchanged: 1 });
  });

  test('names columns that are new, removed or of another type', async () => {
    const before = (await ingest('id,x,old\n1,1,a\n', {})).version;
    const after = (await ingest('id,x,new\n1,1.5,b\n', {})).version;
    const { columns, rows } = await compare(before, after, 'id');
    expect(columns.added.map(({ name }) => name)).toEqual(['new']);
    expect(columns.removed.map(({ name }) => name)).toEqual(['old']);
    expect(columns.changed.map(({ name, before: then, after: now }) => [name, then.type, now.type])).toEqual([
      ['x', 'integer', 'number'],
    ]);
    expect(rows).toMatchObject({ changed: 1 });
  });

  test("shows each column's shift in the deciles and categories of the earlier version", async () => {
    const text = (from: number, colours: readonly string[]): string =>
      `id,x,c\n${Array.from({ length: 1000 }, (_, at) => `${at},${from + at / 10},${colours[at % colours.length] ?? ''}\n`).join('')}`;
    const before = (await ingest(text(0, ['red', 'blue']), {})).version;
    const after = (await ingest(text(50, ['red', 'green', '']), {})).version;
    const { shifts } = await compare(before, after, 'id');
    const [, x, c] = shifts;
    expect(x).toMatchObject({ column: 'x', nulls: { before: 0, after: 0 }, mean: { before: 49.95, after: 99.95 } });
    expect(x?.counts.before).toEqual(Array.from({ length: 10 }, () => 100));
    expect(x?.counts.after).toEqual([0, 0, 0, 0, 0, 100, 100, 100, 100, 600]);
    expect(x?.standardisedDifference).toBeCloseTo(50 / 28.88, 2);
    expect(c).toMatchObject({
      categories: ['blue', 'red', null],
      counts: { before: [500, 500, 0], after: [0, 334, 333] },
      nulls: { before: 0, after: 333 },
      mean: { before: null, after: null },
    });
    for (const shift of shifts)
      expect(stabilityIndexOf(shift.counts)).toBe(populationStabilityIndex(shift.counts.before, shift.counts.after));
    expect(stabilityIndexOf({ before: [0, 0], after: [1, 0] })).toBeNull();
  });

  test('does not read parts that both versions share', async () => {
    const before = await threeParts();
    const { version } = await ingest('id,t,x\n6,2024-01-06,60\n', { timestamp: 't' }, before);
    expect((await compare(before, version, 'id')).rows).toEqual({ added: 1, removed: 0, changed: 0, unchanged: 5 });
  });
});
