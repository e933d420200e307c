import { expect, test } from 'vitest';
import type { LabelTarget } from '../../contracts/monitoring/label-value.ts';
import { readLabelValue } from '../../contracts/monitoring/label-value.ts';

const number: LabelTarget = { kind: 'number' };
const truth: LabelTarget = { kind: 'class', classes: [false, true] };
const counts: LabelTarget = { kind: 'class', classes: [0, 1, 2] };
const words: LabelTarget = { kind: 'class', classes: ['no', 'yes'] };
const digits: LabelTarget = { kind: 'class', classes: ['0', '1'] };
const capitals: LabelTarget = { kind: 'class', classes: ['False', 'True'] };

test.each([
  [number, '3', 3],
  [number, ' 3.0 ', 3],
  [number, '-1e3', -1000],
  [number, 1e150, 1e150],
  [truth, 'TRUE', true],
  [truth, 'False', false],
  [truth, '1', true],
  [truth, '0.0', false],
  [truth, 1, true],
  [truth, 'no', false],
  [counts, '2.0', 2],
  [counts, 'true', 1],
  [counts, false, 0],
  [words, ' yes ', 'yes'],
  [digits, '1', '1'],
  [digits, 1, '1'],
  [capitals, 'TRUE', 'True'],
  [capitals, false, 'False'],
  [{ kind: 'any' } as const, 'benign', 'benign'],
])('a label is read as the type of the target: %j accepts %j', (target, given, value) => {
  expect(readLabelValue(target, given)).toEqual({ value });
});

test.each([
  [number, 1e300, '1e+300 is beyond ±1e+150'],
  [number, '-1e200', '-1e+200 is beyond ±1e+150'],
  [number, '1e999', 'Infinity is beyond'],
  [number, 'NaN', '"NaN" is not a number'],
  [number, '1,5', 'write the decimal point as "."'],
  [number, true, 'true is not a number'],
  [number, '', 'the label has no value'],
  [truth, null, 'the label has no value'],
  [truth, 'yess', '"yess" is not one of the classes, which are false, true'],
  [truth, 2, '2 is not one of the classes'],
  [counts, 'yes', '"yes" is not one of the classes, which are 0, 1, 2'],
  [counts, 1.5, '1.5 is not one of the classes'],
  [words, 'YES!', '"YES!" is not one of the classes, which are "no", "yes"'],
  [digits, 'constructor', 'is not one of the classes'],
  [truth, 'constructor', 'is not one of the classes'],
  [{ kind: 'any' } as const, 1e200, 'is beyond'],
])('a value that does not fit the target is refused by name: %j refuses %j', (target, given, reason) => {
  expect(readLabelValue(target, given)).toEqual({ refused: expect.stringContaining(reason) });
});
