import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { editDistance, nearestKey } from '../../contracts/configuration/nearest-key.ts';

describe('the nearest key', () => {
  test.each([
    ['treshold', 'threshold'],
    ['thresholds', 'threshold'],
    ['htreshold', 'threshold'],
    ['THRESHOLD', 'threshold'],
    ['min_rows', 'minRows'],
    ['execlude', 'exclude'],
  ])('of %s is %s', (given, nearest) => {
    expect(nearestKey(given, ['numeric', 'exclude', 'minRows', 'threshold', 'minFeatures'])).toBe(nearest);
  });

  // A swap of two letters, the most common typing error, counts as one edit here. Libraries that count two edits find
  // max as near to mni as min.
  test.each([
    ['mni', 'min', ['max', 'min']],
    ['Europe/Kriov', 'Europe/Kirov', ['Europe/Kiev', 'Europe/Kirov']],
    ['Asia/Tmosk', 'Asia/Tomsk', ['Asia/Omsk', 'Asia/Tomsk']],
  ])('of %s, which has two letters swapped, is %s', (given, nearest, known) => {
    expect(nearestKey(given, known)).toBe(nearest);
  });

  test('of an empty list is undefined', () => {
    expect(nearestKey('a', [])).toBeUndefined();
  });

  test('of a very long key is found too', () => {
    expect(nearestKey('x'.repeat(1_000_000), ['a', 'xx'])).toBe('xx');
  });
});

describe('the edit distance', () => {
  test.each([
    ['', '', 0],
    ['', 'abc', 3],
    ['kitten', 'sitting', 3],
    ['ab', 'ba', 1],
    ['flaw', 'lawn', 2],
  ])('from "%s" to "%s" is %d', (a, b, distance) => {
    expect(editDistance(a, b)).toBe(distance);
  });

  test('is symmetric, 0 only for equal texts, and at most the longer length', () => {
    const word = fc.string({ maxLength: 12, unit: fc.constantFrom('a', 'b', 'c') });
    fc.assert(
      fc.property(word, word, (a, b) => {
        const distance = editDistance(a, b);
        expect(distance).toBe(editDistance(b, a));
        expect(distance === 0).toBe(a === b);
        expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
        expect(distance).toBeGreaterThanOrEqual(Math.abs(a.length - b.length));
      }),
    );
  });
});
