import { expect, test } from 'vitest';
import { reasonOf } from '../../contracts/errors.ts';
import { cellIn } from '../../contracts/data/column-batch.ts';
import type { Signature } from '../../contracts/models/signature.ts';
import { readRows } from '../../gateway/protocols/tensor-columns.ts';
import { takenFrom } from '../../gateway/protocols/taken.ts';

const signature: Signature = {
  schemaVersion: 1,
  layout: 'columns',
  inputs: [
    { name: 'city', type: 'BYTES', missing: true },
    { name: 'size', type: 'FP32', missing: true },
    { name: 'fresh', type: 'BOOL' },
    { name: 'count', type: 'INT64' },
  ],
  output: { name: 'y', type: 'FP32' },
};
const taken = takenFrom({ signature, missing: 'as-trained', nulls: ['-'] });
const inOrder = signature.inputs.map(({ name }) => name);

/** What a reading of these rows returns or throws, with the columns in the signature's order or another one. */
function read(names: readonly string[], rows: readonly (readonly unknown[])[]): unknown {
  const places = names.map((name) => inOrder.indexOf(name));
  try {
    const { batch, ignored } = readRows(
      taken,
      names,
      rows.map((row) => places.map((place) => row[place])),
    );
    const cells = inOrder.map((_, at) => rows.map((_row, row) => cellIn(batch, at, row)));
    return { cells, ignored };
  } catch (caught) {
    return reasonOf(caught);
  }
}

const cases: readonly (readonly (readonly unknown[])[])[] = [
  [['Basel', 1.5, true, 3]],
  [
    ['Basel', 1.5, true, 3],
    ['-', null, 0, 2 ** 40],
    [null, 'NaN', 1, -1],
  ],
  [['Basel', 1e39, true, 3]],
  [['Basel', 1, true, 1.5]],
  [['Basel', 1, null, 3]],
  [[7, 1, true, 3]],
  [],
];

test.each(cases.map((rows) => ({ rows })))('rows are read alike in any order of their columns: $rows', ({ rows }) => {
  const reading = read(inOrder, rows);
  expect(read(inOrder.toReversed(), rows)).toEqual(reading);
  expect(read(['fresh', 'city', 'count', 'size'], rows)).toEqual(reading);
});
