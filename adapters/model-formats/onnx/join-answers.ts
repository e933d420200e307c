import type { Answers } from '../../../ports/model-format.ts';

/** Puts the answers of one model to consecutive rows together. */
export function joinAnswers(parts: readonly Answers[]): Answers {
  const [first] = parts;
  if (first === undefined) throw new RangeError('there are no answers to join');
  if (parts.length === 1) return first;
  let rows = 0;
  const failures = parts.flatMap((part) => {
    const from = rows;
    rows += part.rows;
    return part.failures.map(({ row, reason }) => ({ row: row + from, reason }));
  });
  return {
    rows,
    values: first.values instanceof Float64Array ? numbersOfAll(parts, ({ values }) => values) : labelsOfAll(parts),
    probabilities: first.probabilities === null ? null : numbersOfAll(parts, ({ probabilities }) => probabilities),
    vectors: Object.fromEntries(
      Object.keys(first.vectors).map((name) => [name, numbersOfAll(parts, ({ vectors }) => vectors[name] ?? null)]),
    ),
    failures,
  };
}

function labelsOfAll(parts: readonly Answers[]): Answers['values'] {
  return parts.flatMap(({ values }) => [...values]);
}

function numbersOfAll(parts: readonly Answers[], numbersOf: (part: Answers) => Answers['values'] | null): Float64Array {
  const lists = parts.map((part) => numbersOf(part)).filter((list) => list instanceof Float64Array);
  const all = new Float64Array(lists.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const list of lists) {
    all.set(list, offset);
    offset += list.length;
  }
  return all;
}
