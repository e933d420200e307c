import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { SplitWindow } from '../../../ports/table-engine.ts';
import { readCells } from '../../support/read-cells.ts';
import { tableEngineBench } from '../../support/table-engine-of-tests.ts';

const { engine, folder, parquet, look } = tableEngineBench();

/** Returns a query with one row per day from 1 January 2026; `y` is an SQL expression of the row number `i`. */
const days = (rows: number, y: string): string =>
  `SELECT i::BIGINT AS id, i / 10 AS x, ${y} AS y, TIMESTAMP '2026-01-01' + to_days(i::INTEGER) AS "_at" FROM range(${rows}) r(i)`;

async function split(query: string, request: Partial<SplitWindow> = {}) {
  const { path } = await parquet('rows.parquet', query);
  const into = folder();
  const paths = {
    trainPath: join(into, 'train.parquet'),
    holdoutPath: join(into, 'holdout.parquet'),
    validationPath: join(into, 'validation.parquet'),
    allPath: join(into, 'all.parquet'),
  };
  const rows = await engine.splitWindow({
    parts: [path],
    to: '2026-04-11T00:00:00.000Z',
    holdout: { kind: 'last', from: '2026-03-22T00:00:00.000Z' },
    features: ['x'],
    target: 'y',
    carried: ['id'],
    key: 'id',
    ...paths,
    ...request,
  });
  return { ...rows, ...paths };
}

describe('a row without a target is neither trained on nor held out', () => {
  // Of 100 days the last 20 are held out. Training rows 10 to 19 and holdout rows 85 to 99 have no target.
  const lacks = '(i BETWEEN 10 AND 19 OR i >= 85)';
  test.each([
    ['a missing target', 'DOUBLE', 'NULL', 'i * 2.0'],
    ['a NaN target', 'DOUBLE', "'NaN'::DOUBLE", 'i * 2.0'],
    ['an infinite target', 'DOUBLE', "'-inf'::DOUBLE", 'i * 2.0'],
    ['a missing integer', 'BIGINT', 'NULL', 'i'],
    ['a missing boolean', 'BOOLEAN', 'NULL', 'i % 2 = 0'],
    ['a missing text', 'VARCHAR', 'NULL', "'class ' || i % 3"],
    ['an empty text', 'VARCHAR', "''", "'class ' || i % 3"],
    ['a blank text', 'VARCHAR', "'  '", "'class ' || i % 3"],
  ])('%s', async (_name, type, none, some) => {
    const query = days(100, `(CASE WHEN ${lacks} THEN ${none} ELSE ${some} END)::${type}`);
    const { trainPath, holdoutPath, validationPath, allPath, ...rows } = await split(query);
    expect(rows).toEqual({ trainingRows: 70, holdoutRows: 5, unlabelled: { training: 10, holdout: 15 } });
    const ids = await look(`SELECT id FROM '${holdoutPath}'`);
    expect(ids.map(({ id }) => Number(id))).toEqual([80, 81, 82, 83, 84]);
    const [count] = await look(
      `SELECT (SELECT count(y)::INTEGER FROM '${trainPath}') AS training, (SELECT count(*)::INTEGER FROM '${validationPath}') AS validation, (SELECT count(*)::INTEGER FROM '${allPath}') AS together`,
    );
    expect(count).toEqual({ training: 70, validation: 5, together: 75 });
  });
});

test('a dataset with a target in every row counts no unlabelled rows', async () => {
  expect(await split(days(100, 'i'))).not.toHaveProperty('unlabelled');
});

describe('a split without any target is refused by name', () => {
  test.each([
    [
      'if neither part has a target',
      'NULL::DOUBLE',
      'none of its 100 rows has a target ("y"); ingest rows with a target',
    ],
    ['if the holdout has no target', 'CASE WHEN i < 80 THEN i END', 'none of the 20 rows held out has a target ("y")'],
    [
      'if the training rows have no target',
      'CASE WHEN i >= 80 THEN i END',
      'none of the 80 rows to train on has a target ("y")',
    ],
  ])('%s', async (_name, y, message) => {
    await expect(split(days(100, y))).rejects.toMatchObject({
      code: 'no-data',
      message: expect.stringContaining(message),
    });
  });
});

test('rows read with a target leave out those without one, or have null for it', async () => {
  const { path } = await parquet(
    'rows.parquet',
    `SELECT * FROM (VALUES (1, 'NaN'::DOUBLE), (2, 3.5), (3, NULL), (4, 'inf'::DOUBLE), (5, 0)) t(id, y)`,
  );
  const read = (labelledOnly: boolean) =>
    readCells(engine, { files: [path], columns: ['id', 'y'], ...(labelledOnly ? { target: 'y' } : { label: 'y' }) });
  expect((await read(true)).columns).toEqual({ id: [2, 5], y: [3.5, 0] });
  expect((await read(false)).columns).toEqual({ id: [1, 2, 3, 4, 5], y: [null, 3.5, null, null, 0] });
});
