import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { PredictionRecord } from '../../../contracts/serving/prediction.ts';
import { servedRows } from '../../support/served-rows.ts';
import { tableEngineBench } from '../../support/table-engine-of-tests.ts';

const bench = tableEngineBench();
const { engine, look } = bench;
const release = 'a'.repeat(64);

function record(id: string, minute: number, more: Partial<PredictionRecord> = {}): PredictionRecord {
  const eventTime = `2024-01-01T00:${String(minute).padStart(2, '0')}:00.000Z`;
  return {
    v: 1,
    id,
    eventTime,
    recordedAt: eventTime,
    release,
    modelVersion: 1,
    generation: 1,
    role: 'champion',
    replay: false,
    features: { x: minute, s: 'a', b: true, none: null },
    prediction: minute / 2,
    ...more,
  };
}

async function seal(records: readonly PredictionRecord[], { torn = '', features = ['x', 's', 'b', 'none'] } = {}) {
  const folder = bench.folder();
  const ndjson = join(folder, 'segment.ndjson');
  const path = join(folder, 'segment.parquet');
  const indexPath = join(folder, 'index.ndjson');
  await writeFile(ndjson, records.map((line) => `${JSON.stringify(line)}\n`).join('') + torn);
  return { ...(await engine.sealSegment({ ndjson, features, path, indexPath })), path, indexPath };
}

const window = { from: '2024-01-01T00:00:00.000Z', to: '2024-01-01T01:00:00.000Z' };

function read(request: { segments: string[]; from: string; to: string; features?: string[] }) {
  return servedRows(engine, { ...request, folder: bench.folder() });
}

describe('sealing a segment', () => {
  test('keeps the values of further outputs under their names', async () => {
    const { path } = await seal([record('p1', 1, { vectors: { q10: [1.5], q90: [null] } }), record('p2', 2)]);
    const rows = await look(
      `SELECT id, vectors['q10'][1] AS low, vectors['q90'][1] AS high FROM '${path}' ORDER BY id`,
    );
    expect(rows).toEqual([
      { id: 'p1', low: 1.5, high: null },
      { id: 'p2', low: null, high: null },
    ]);
  });

  test('writes the typed columns of PredictionSegment, in order', async () => {
    const sealed = await seal([record('p1', 5), record('p2', 3)]);
    expect(sealed).toMatchObject({ rows: 2, from: '2024-01-01T00:03:00.000Z', to: '2024-01-01T00:05:00.000Z' });
    expect(
      (await look(`DESCRIBE SELECT * FROM '${sealed.path}'`)).map(
        (column) => `${String(column.column_name)} ${String(column.column_type)}`,
      ),
    ).toEqual([
      'id VARCHAR',
      'event_time TIMESTAMP',
      'recorded_at TIMESTAMP',
      'release VARCHAR',
      'model_version BIGINT',
      'generation BIGINT',
      'role VARCHAR',
      'replay BOOLEAN',
      'prediction DOUBLE',
      'f_x DOUBLE',
      'f_s VARCHAR',
      'f_b BOOLEAN',
      'f_none BOOLEAN',
    ]);
    expect(await look(`SELECT id, f_x, f_s, f_b, prediction FROM '${sealed.path}'`)).toEqual([
      { id: 'p1', f_x: 5, f_s: 'a', f_b: true, prediction: 2.5 },
      { id: 'p2', f_x: 3, f_s: 'a', f_b: true, prediction: 1.5 },
    ]);
  });

  test.each([
    ['{"v":1,"id":"p2","eventT', 1],
    [`{"v":1,"id":"${'ü'.repeat(100_000)}`, 1],
    [JSON.stringify(record('p2', 2)), 2],
  ])('leaves out a torn last line, but not a whole one without a line end (case %#)', async (torn, rows) => {
    expect((await seal([record('p1', 1)], { torn })).rows).toBe(rows);
  });

  test('refuses a broken line in the middle, a missing field and an empty segment', async () => {
    await expect(
      seal([record('p1', 1)], { torn: `nonsense\n${JSON.stringify(record('p2', 2))}\n` }),
    ).rejects.toMatchObject({ code: 'data-unreadable' });
    await expect(seal([record('p1', 1)], { torn: '{"v":1,"id":"p2"}\n' })).rejects.toMatchObject({
      code: 'data-unreadable',
    });
    await expect(seal([])).rejects.toMatchObject({ code: 'data-empty' });
    await expect(seal([], { torn: '{"v":1' })).rejects.toMatchObject({ code: 'data-empty' });
  });

  test('indexes the predictions that count, and has columns for request ids if there are any', async () => {
    const { path, indexPath } = await seal([
      record('p1', 1, { request: 'order "7"\n', row: 0 }),
      record('p\u00002', 2),
      record('p3', 3, { replay: true }),
      record('p4', 4, { role: 'shadow' }),
    ]);
    const lines = (await readFile(indexPath, 'utf8')).trim().split('\n');
    const at = (minute: number): string => `2024-01-01T00:0${minute}:00.000Z`;
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { id: 'p1', request: 'order "7"\n', row: 0, version: 1, happened: at(1), recorded: at(1) },
      { id: 'p\uFFFD2', request: null, row: null, version: 1, happened: at(2), recorded: at(2) },
    ]);
    expect(await look(`SELECT request, request_row FROM '${path}' ORDER BY id LIMIT 1`)).toEqual([
      { request: null, request_row: null },
    ]);
    const without = await seal([record('p1', 1)]);
    const served = await read({ segments: [path, without.path], ...window });
    expect(served).toMatchObject({ rows: 2 });
    expect(JSON.parse(await readFile((await seal([record('p1', 1)])).indexPath, 'utf8'))).toMatchObject({
      id: 'p1',
      request: null,
    });
  });

  test("accepts a feature's name with path syntax", async () => {
    const name = 'a.b/c~"d" $[0]';
    const sealed = await seal([record('p1', 1, { features: { [name]: 7 } })], { features: [name] });
    const served = await read({ segments: [sealed.path], ...window, features: [name] });
    expect(served.features).toEqual({ [name]: [7] });
  });
});

describe('predictions of a classifier', () => {
  const answered = (id: string, minute: number, prediction: string | boolean, share: number) =>
    record(id, minute, { prediction, probabilities: [1 - share, share] });

  test('keep labels as words or booleans, with their probabilities', async () => {
    const words = await seal([answered('p1', 1, 'benign', 0.1), answered('p2', 2, 'malignant', 0.75)]);
    const types = await look(`DESCRIBE SELECT prediction, probabilities FROM '${words.path}'`);
    expect(types.map((column) => String(column.column_type))).toEqual(['VARCHAR', 'DOUBLE[]']);
    expect(await read({ segments: [words.path], ...window })).toMatchObject({
      predictions: ['benign', 'malignant'],
      probabilities: [
        [0.9, 0.1],
        [0.25, 0.75],
      ],
    });
    const truths = await seal([answered('p1', 1, false, 0.1)]);
    expect((await read({ segments: [truths.path], ...window })).predictions).toEqual([false]);
  });

  test('are read together with segments without probabilities', async () => {
    const some = await seal([answered('p1', 1, 'benign', 0.125)]);
    const none = await seal([record('p2', 2, { prediction: 'malignant' })]);
    expect(await read({ segments: [some.path, none.path], ...window })).toMatchObject({
      predictions: ['benign', 'malignant'],
      probabilities: [[0.875, 0.125], null],
    });
  });
});

describe('reading predictions', () => {
  test('returns the rows of the window, without replays and shadows', async () => {
    const sealed = await seal([
      record('late', 30),
      record('early', 10),
      record('replayed', 11, { replay: true }),
      record('shadow', 12, { role: 'shadow' }),
      record('before', 1),
      record('end', 40),
    ]);
    const served = await read({
      segments: [sealed.path],
      from: '2024-01-01T00:10:00.000Z',
      to: '2024-01-01T00:40:00.000Z',
      features: ['x', 's', 'b', 'none'],
    });
    expect(served).toEqual({
      rows: 2,
      ids: ['early', 'late'],
      eventTimesMs: [Date.UTC(2024, 0, 1, 0, 10), Date.UTC(2024, 0, 1, 0, 30)],
      predictions: [5, 15],
      probabilities: [null, null],
      releases: [release, release],
      modelVersions: [1, 1],
      features: { x: [10, 30], s: ['a', 'a'], b: [true, true], none: [null, null] },
      repeatedIds: null,
    });
  });

  test('uses the first record of an id, across segments and in any order', async () => {
    const first = await seal([record('p', 20, { recordedAt: '2024-01-01T00:20:00.000Z', prediction: 1 })]);
    const again = await seal([record('p', 10, { recordedAt: '2024-01-01T00:21:00.000Z', prediction: 2 })]);
    for (const segments of [
      [first.path, again.path],
      [again.path, first.path],
    ])
      expect(await read({ segments, ...window })).toMatchObject({
        predictions: [1],
        repeatedIds: { predictions: 1, example: 'p' },
      });
    const narrow = { ...window, to: '2024-01-01T00:15:00.000Z' };
    expect(await read({ segments: [first.path, again.path], ...narrow })).toMatchObject({
      rows: 0,
      repeatedIds: { predictions: 1, example: 'p' },
    });
  });

  test('never replaces a served row by a replayed one', async () => {
    const sealed = await seal([record('p', 1, { replay: true, prediction: 1 }), record('p', 2, { prediction: 2 })]);
    expect((await read({ segments: [sealed.path], ...window })).predictions).toEqual([2]);
  });

  test('combines segments with different features, with null for absent ones, and numbers stay numbers', async () => {
    const one = await seal([record('p1', 1, { features: { x: 1, y: null } })], { features: ['x', 'y'] });
    const two = await seal([record('p2', 2, { features: { y: 2.5 } })], { features: ['y'] });
    expect((await read({ segments: [one.path, two.path], ...window, features: ['x', 'y'] })).features).toEqual({
      x: [1, null],
      y: [null, 2.5],
    });
  });

  test('keeps the values of other segments if a column is empty in one', async () => {
    const features = ['n', 's', 'b'];
    const nothing = { n: null, s: null, b: null };
    const none = await seal([record('p1', 1, { features: nothing, prediction: null, error: 'no answer' })], {
      features,
    });
    const some = await seal([record('p2', 2, { features: { n: 2.5, s: 'word', b: true } })], { features });
    for (const segments of [
      [none.path, some.path],
      [some.path, none.path],
    ])
      expect(await read({ segments, ...window, features })).toMatchObject({
        predictions: [null, 1],
        features: { n: [null, 2.5], s: [null, 'word'], b: [null, true] },
      });
  });

  test('keeps a row without a prediction as null, and refuses one without a reason', async () => {
    const failed = record('p2', 2, { prediction: null, error: 'the model answers with Infinity' });
    const sealed = await seal([record('p1', 1), failed]);
    expect(await look(`SELECT id, prediction, error FROM '${sealed.path}' ORDER BY id`)).toEqual([
      { id: 'p1', prediction: 0.5, error: null },
      { id: 'p2', prediction: null, error: 'the model answers with Infinity' },
    ]);
    await expect(seal([record('p1', 1, { prediction: null })])).rejects.toMatchObject({ code: 'data-unreadable' });
  });

  test('gives no rows for no segments', async () => {
    expect(await read({ segments: [], ...window })).toEqual({
      rows: 0,
      ids: [],
      eventTimesMs: [],
      predictions: [],
      probabilities: [],
      releases: [],
      modelVersions: [],
      features: {},
      repeatedIds: null,
    });
  });

  test('handles a hundred thousand rows', async () => {
    const rows = 100_000;
    const sealed = await seal(
      Array.from({ length: rows }, (_, at) => record(`p${at}`, at % 60, { features: { x: at } })),
      { features: ['x'] },
    );
    const served = await read({
      segments: [sealed.path],
      ...window,
      features: ['x'],
    });
    expect(served.rows).toBe(rows);
    expect(new Set(served.features.x).size).toBe(rows);
  });
});
