import { expect, test, vi } from 'vitest';
import { createIdMaker } from '../../adapters/ids/uuid.ts';
import { Id } from '../../contracts/identifiers.ts';

test('ids are UUIDs of version 7 with the time in front, and ascend, also within a millisecond', () => {
  const ids = createIdMaker();
  const before = Date.now();
  const made = [ids.next(), ...ids.several(20_000), ids.next()];
  expect(made.toSorted()).toEqual(made);
  expect(new Set(made).size).toBe(made.length);
  for (const id of made) {
    expect(Id.parse(id)).toBe(id);
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }
  const first = Number.parseInt((made[0] ?? '').replaceAll('-', '').slice(0, 12), 16);
  expect(first).toBeGreaterThanOrEqual(before);
  expect(first).toBeLessThanOrEqual(Date.now());
});

test('ids ascend although the clock goes back', () => {
  vi.useFakeTimers({ now: 2_000_000_000_000, toFake: ['Date'] });
  try {
    const ids = createIdMaker();
    const first = ids.next();
    vi.setSystemTime(1_900_000_000_000);
    const later = ids.several(5_000);
    expect([first, ...later].toSorted()).toEqual([first, ...later]);
  } finally {
    vi.useRealTimers();
  }
});

test('two makers make different ids', () => {
  const [one, other] = [createIdMaker().several(5_000), createIdMaker().several(5_000)];
  expect(new Set([...one, ...other]).size).toBe(10_000);
});
