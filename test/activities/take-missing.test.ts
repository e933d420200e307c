import { expect, test } from 'vitest';
import { inputsThatMayMiss, mustTakeFill, withFill } from '../../activities/build/evaluation/take-missing.ts';
import type { SignatureInput } from '../../contracts/models/signature.ts';

test('missing values are replaced by their fill', () => {
  const { city = [] } = withFill({ city: ['Graz', null, 'unknown', null] }, { city: 'unknown' });
  expect(city).toEqual(['Graz', 'unknown', 'unknown', 'unknown']);
});

test('an input may be missing if training or holdout rows lacked a value, and the signature records its fill', () => {
  const inputs: SignatureInput[] = ['a', 'b', 'c', '__proto__'].map((name) => ({ name, type: 'FP32' }));
  const lacking = new Set(['b', 'c', '__proto__']);
  expect(inputsThatMayMiss({ inputs }, { a: 0 }, lacking)).toEqual([
    { name: 'a', type: 'FP32', fill: 0 },
    { name: 'b', type: 'FP32', missing: true },
    { name: 'c', type: 'FP32', missing: true },
    { name: '__proto__', type: 'FP32', missing: true },
  ]);
});

test.each([
  ['FP32', 0, 'none'],
  ['FP64', true, 'text'],
  ['INT64', 3, 1.5],
  ['BOOL', false, 2],
  ['BYTES', '', 0],
] as const)('a fill must be a value that the model accepts: %s', (type, good, bad) => {
  expect(() => mustTakeFill({ name: 'x', type, fill: good })).not.toThrow();
  expect(() => mustTakeFill({ name: 'x', type, fill: bad })).toThrow(`data.fill replaces a missing "x" with`);
});
