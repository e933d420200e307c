import { expect, test } from 'vitest';
import { documents } from './documents.ts';

// Promotional words, and traces of one machine.
const forbidden = [
  /\b(seamless(ly)?|blazing(ly)?|cutting[- ]edge|world[- ]class|revolutionary|effortless(ly)?|next[- ]generation)\b/i,
  /\b(leverag(e|es|ing)|supercharge[sd]?|game[- ]chang(er|ing)|enterprise[- ]grade|best[- ]in[- ]class|battle[- ]tested)\b/i,
  /\b(simply|just) (run|add|call|use|works?)\b/i,
  /\b(TODO|FIXME|TBD|lorem ipsum)\b/,
  /(^|[\s(`"'])\/(home|Users|root|tmp|mnt|work)\//m,
];

test.each([...documents()])('%s contains no promotional words and no traces of one machine', (_, text) => {
  const found = forbidden.flatMap((pattern) => pattern.exec(text)?.[0] ?? []);
  expect(found).toEqual([]);
});
