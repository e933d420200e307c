import { expect, test } from 'vitest';
import {
  inputsThatMayMiss,
  mustTakeFill,
  withFill,
  withoutFill,
} from '../../activities/build/evaluation/take-missing.ts';
import { referenceOf } from '../../activities/measurement/reference-of.ts';
import type { SignatureInput } from '../../contracts/models/signature.ts';

test('the reference profile counts the missing values of a filled feature, as the prediction log does', () => {
  const before = ['Graz', null, 'unknown', null, 'Wien'];
  const fill = { city: 'unknown' };
  const { city = [] } = withFill({ city: before }, fill);
  expect(city).toEqual(['Graz', 'unknown', 'unknown', 'unknown', 'Wien']);
  const again = withoutFill({ city, size: [1] }, fill, [{ name: 'city', rows: 2, heldOut: 0 }]);
  expect(referenceOf('city', again['city'] ?? [])).toEqual(referenceOf('city', before));
  expect(again['size']).toEqual([1]);
});

test('an input may be missing if training or holdout rows lacked a value, and the signature records its fill', () => {
  const inputs: SignatureInput[] = ['a', 'b', 'c', '__proto__'].map((name) => ({ name, type: 'FP32' }));
  const training = { a: [1, 2], b: [1, null], c: [1, 2], ...JSON.parse('{"__proto__": [null, 1]}') };
  const holdout = { a: [1], b: [1], c: [null] };
  expect(inputsThatMayMiss({ inputs }, { a: 0 }, [training, holdout])).toEqual([
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
