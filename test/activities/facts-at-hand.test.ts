import { expect, test } from 'vitest';
import { FactsAtHand } from '../../activities/data/part-summaries.ts';
import { sha256OfBytes } from '../../contracts/digest.ts';
import type { PartFacts } from '../../contracts/data/part-summary.ts';

const piece = { name: 'a', count: 1, nulls: 0, min: 1, max: 1, mean: 1, squares: 0 };
const facts = (columns: number): PartFacts => ({
  schemaVersion: 1,
  stored: [],
  key: null,
  bounds: null,
  pieces: Array.from({ length: columns }, () => piece),
});

test('facts at hand are bounded by their columns, and those that were used least recently make room', () => {
  const [one, two, three] = ['one', 'two', 'three'].map((text) => sha256OfBytes(text));
  const atHand = new FactsAtHand();
  for (const blob of [one!, two!]) atHand.add(blob, facts(90_000));
  expect(atHand.get(one!)?.pieces).toHaveLength(90_000);
  atHand.add(three!, facts(90_000));
  expect([one!, two!, three!].map((blob) => atHand.get(blob) !== undefined)).toEqual([true, false, true]);
});
