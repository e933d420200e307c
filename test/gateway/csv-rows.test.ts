import { expect, test } from 'vitest';
import type { Signature } from '../../contracts/models/signature.ts';
import { cellIn } from '../../contracts/data/column-batch.ts';
import { readCsvRows } from '../../gateway/protocols/csv-rows.ts';
import { takenFrom } from '../../gateway/protocols/taken.ts';

const signature: Signature = {
  schemaVersion: 1,
  layout: 'columns',
  inputs: [
    { name: 'city', type: 'BYTES' },
    { name: 'rooms', type: 'FP32' },
  ],
  output: { name: 'y', type: 'FP32' },
};

function cities(text: string): readonly unknown[] {
  const { batch } = readCsvRows(text, takenFrom({ signature, missing: 'as-trained', nulls: [] }));
  return Array.from({ length: batch.rows }, (_, row) => cellIn(batch, 0, row));
}

test.each([
  ['a plain field', 'city,rooms\nGraz,1\n', ['Graz']],
  ['no line break at the end', 'city,rooms\nGraz,1', ['Graz']],
  ['CRLF', 'city,rooms\r\nGraz,1\r\nWien,2\r\n', ['Graz', 'Wien']],
  ['a comma and a line break in quotes', 'city,rooms\n"Graz,\nStyria",1\n', ['Graz,\nStyria']],
  ['doubled quotes', 'city,rooms\n"the ""old"" town",1\n', ['the "old" town']],
  ['a field of only doubled quotes', 'city,rooms\n"""",1\n', ['"']],
  ['blank lines', 'city,rooms\n\nGraz,1\n\n', ['Graz']],
])('%s is read', (_, text, expected) => {
  expect(cities(text)).toEqual(expected);
});

test.each([
  ['an unclosed quote', 'city,rooms\n"Graz,1\n'],
  ['text after a closing quote', 'city,rooms\n"Graz"x,1\n'],
  ['a quote inside a bare field', 'city,rooms\nGr"az,1\n'],
])('%s is refused with its line', (_, text) => {
  expect(() => cities(text)).toThrow('line 2 of the CSV');
});

test('a field of many megabytes is read, with or without doubled quotes', () => {
  const megabytes = 16 * 2 ** 20;
  expect(cities(`city,rooms\n"${'x'.repeat(megabytes)}",1\n`)).toEqual(['x'.repeat(megabytes)]);
  expect(cities(`city,rooms\n"${'""'.repeat(megabytes / 2)}",1\n`)).toEqual(['"'.repeat(megabytes / 2)]);
  expect(() => cities(`city,rooms\n"${'x'.repeat(megabytes)}`)).toThrow('line 2 of the CSV');
});
