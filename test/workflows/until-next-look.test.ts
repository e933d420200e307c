import { assert, integer, property } from 'fast-check';
import { expect, test } from 'vitest';
import { untilNextLook } from '../../workflows/running/until-next-look.ts';
import { backOff } from '../../workflows/running/waiting.ts';

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** Returns the instants of the checks until `lastMs`, if a check takes no time. */
function looksUntil(lastMs: number, bakeMs: number): number[] {
  const looks: number[] = [];
  for (let at = 0; at < lastMs;) {
    at += untilNextLook(bakeMs, at);
    looks.push(at);
  }
  return looks;
}

test('a bake of 30 days is checked every five minutes, and exactly when it ends', () => {
  const looks = looksUntil(30 * day, 30 * day);
  expect(looks).toHaveLength((30 * day) / (5 * minute));
  expect(looks.at(-1)).toBe(30 * day);
});

test('a canary without requests is checked a few times an hour once its bake of an hour is over', () => {
  const looks = looksUntil(30 * day, hour);
  expect(looks.filter((at) => at <= hour)).toHaveLength(60);
  expect(looks.length).toBeLessThan(60 + 10 + (30 * day) / (10 * minute));
});

test('a short bake is checked when it ends, and again at growing intervals while it has too few requests', () => {
  expect(looksUntil(10 * second, second)).toEqual([1_000, 1_250, 1_500, 2_000, 3_000, 5_000, 9_000, 17_000]);
});

test('every bake is checked when it ends, and before at intervals of five seconds to five minutes', () => {
  assert(
    property(integer({ min: 0, max: 90 * day }), (bakeMs) => {
      const looks = looksUntil(bakeMs, bakeMs);
      expect(looks.at(-1) ?? 0).toBe(bakeMs);
      const intervals = looks.map((at, index) => at - (looks[index - 1] ?? 0));
      expect(Math.min(5 * second, ...intervals.slice(0, -1))).toBe(5 * second);
      expect(Math.max(0, ...intervals)).toBeLessThanOrEqual(5 * minute);
      expect(looks.length).toBeLessThanOrEqual(Math.max(61, bakeMs / (5 * minute) + 1));
    }),
  );
});

test('an approval or a place in the queue is checked six times an hour after the first hour', () => {
  const nextWait = backOff({ firstMs: 15 * second, longestMs: 10 * minute });
  let looks = 0;
  for (let at = 0; at < 30 * day; at += nextWait()) looks += 1;
  expect(looks).toBeLessThan(6 * 24 * 30 + 10);
});
