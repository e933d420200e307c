import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { rowsOfClasses } from '../../activities/build/evaluation/rows-of-classes.ts';
import { createOnnxFormat } from '../../adapters/model-formats/onnx/onnx-format.ts';
import type { Cell } from '../../contracts/data/data-types.ts';
import type { ClassValue, Signature } from '../../contracts/models/signature.ts';
import type { ColumnData } from '../../ports/table-engine.ts';
import { artifactOf } from '../support/artifact.ts';
import { floats, list, model, node, value, withMachineLearning } from '../support/onnx-models.ts';
import { sandboxOfTests, scratchOfTests } from '../support/sandbox-of-tests.ts';

// Tests, with missing values, the selection of rows that match a classifier's probabilities to its classes.

const columns = { features: ['a', 'b'], target: 'y', classes: [0, 1] };

function table(rows: readonly (readonly [Cell, Cell, Cell])[]): ColumnData {
  const column = (at: 0 | 1 | 2): Cell[] => rows.map((row) => row[at]);
  return { rows: rows.length, columns: { a: column(0), b: column(1), y: column(2) } };
}

test('rows with missing values are left out if each class has enough others', () => {
  const rows = Array.from({ length: 1200 }, (_, at): [Cell, Cell, Cell] => [at, at % 3 === 0 ? null : 1, at % 2]);
  const { columns: picked, truth } = rowsOfClasses(columns, [table(rows)]);
  expect(picked['b']).not.toContain(null);
  expect(truth).toHaveLength(800);
});

test('rows with missing values are added, up to a limit, for a class that has too few others', () => {
  const rows = Array.from({ length: 1200 }, (_, at): [Cell, Cell, Cell] => [
    at,
    at % 2 === 1 && at > 20 ? null : 1,
    at % 2,
  ]);
  const { columns: picked, truth } = rowsOfClasses(columns, [table(rows), table([])]);
  const missing = (picked['b'] ?? []).filter((cell) => cell === null).length;
  expect([missing, truth.filter((own) => own === 1).length]).toEqual([190, 200]);
  // Rows without missing values come first.
  expect((picked['b'] ?? []).indexOf(null)).toBe(truth.length - missing);
});

const format = createOnnxFormat({ sandbox: sandboxOfTests(), scratchFolder: scratchOfTests() });
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perennial-rows-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function inspect(
  bytes: Uint8Array,
  rows: ColumnData,
  order?: readonly ClassValue[],
  classes: readonly ClassValue[] = [0, 1],
): Promise<Signature> {
  const evidence = rowsOfClasses({ ...columns, classes }, [rows, table([])]);
  const sample = Object.fromEntries(columns.features.map((name) => [name, rows.columns[name]?.slice(0, 50) ?? []]));
  const wanted = { task: 'binary', classes, order, evidence } as const;
  return (
    await format.inspect({
      artifact: await artifactOf(folder, bytes),
      features: columns.features,
      sample,
      rows: 50,
      wanted,
    })
  ).signature;
}

/** Counts missing values as 0. The second column is large if `a + b` is above 0. */
const tolerant = model({
  nodes: [
    node('IsNaN', ['x'], ['missing']),
    node('Where', ['missing', 'zero', 'x'], ['known']),
    node('MatMul', ['known', 'w'], ['z']),
    node('Softmax', ['z'], ['shares']),
  ],
  inputs: [value('x', 'FLOAT', ['rows', 2])],
  outputs: [value('shares', 'FLOAT', ['rows', 2])],
  initializers: [floats('zero', [1], [0]), floats('w', [2, 2], [-3, 3, -3, 3])],
});

/** Returns rows that each lack one of the two values. */
function sparse(high: ClassValue, low: ClassValue): ColumnData {
  return table(
    Array.from({ length: 240 }, (_, at): [Cell, Cell, Cell] => {
      const own = ((at * 7) % 120) / 20 - 2.975;
      return [at % 2 === 0 ? own : null, at % 2 === 0 ? null : own, own > 0 ? high : low];
    }),
  );
}

test('swapped probabilities are refused although every row lacks a value', async () => {
  expect((await inspect(tolerant, sparse(1, 0))).classes).toEqual([0, 1]);
  await expect(inspect(tolerant, sparse(0, 1))).rejects.toMatchObject({
    code: 'artifact-invalid',
    message: expect.stringContaining('build.classes: [1, 0]'),
  });
  const words = ['late', 'on time'];
  await expect(inspect(tolerant, sparse('late', 'on time'), words, words)).rejects.toMatchObject({
    message: expect.stringContaining('build.classes: [on time, late]'),
  });
  const signature = await inspect(tolerant, sparse('late', 'on time'), ['on time', 'late'], words);
  expect(signature.classes).toEqual(['on time', 'late']);
});

test('rows for which the model predicts NaN are left out, and the other rows decide', async () => {
  const strict = model({
    nodes: [node('MatMul', ['x', 'w'], ['z']), node('Softmax', ['z'], ['shares'])],
    inputs: [value('x', 'FLOAT', ['rows', 2])],
    outputs: [value('shares', 'FLOAT', ['rows', 2])],
    initializers: [floats('w', [2, 2], [-3, 3, -3, 3])],
  });
  const rows = Array.from({ length: 240 }, (_, at): [Cell, Cell, Cell] => {
    const own = ((at * 7) % 120) / 20 - 2.975;
    return [own, at < 120 ? own : null, own > 0 ? 0 : 1];
  });
  await expect(inspect(strict, table(rows))).rejects.toMatchObject({
    message: expect.stringContaining('build.classes: [1, 0]'),
  });
});

test('rows with a missing text and rows on which the model fails are left out', async () => {
  // The probabilities of a row depend on its text. A text whose lookup is out of range makes the model fail.
  const lookup = model({
    nodes: [
      {
        ...node(
          'LabelEncoder',
          ['b'],
          ['place'],
          [list('keys_strings', ['low', 'high', 'broken']), list('values_int64s', [0, 1, 7])],
        ),
        domain: 'ai.onnx.ml',
      },
      node('Gather', ['table', 'place'], ['rows']),
      node('Squeeze', ['rows', 'middle'], ['shares']),
      node('Identity', ['a'], ['unused']),
    ],
    inputs: [value('a', 'FLOAT', ['rows', 1]), value('b', 'STRING', ['rows', 1])],
    outputs: [value('shares', 'FLOAT', ['rows', 2])],
    initializers: [
      floats('table', [2, 2], [0.9, 0.1, 0.2, 0.8]),
      { name: 'middle', dims: [1], dataType: 7, int64Data: [1] },
    ],
    rest: withMachineLearning,
  });
  const rows = Array.from({ length: 240 }, (_, at): [Cell, Cell, Cell] => {
    const text = at === 150 ? 'broken' : at > 50 && at % 3 === 0 ? null : at % 2 === 0 ? 'low' : 'high';
    return [at, text, text === 'high' ? 0 : 1];
  });
  await expect(inspect(lookup, table(rows))).rejects.toMatchObject({
    message: expect.stringContaining('build.classes: [1, 0]'),
  });
});
