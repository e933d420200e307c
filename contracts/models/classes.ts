import type { ClassValue } from './signature.ts';

/**
 * What tells classes apart, whoever wrote them: a truth value and the 0 or 1 that a model makes of it are one class, and so are a
 * whole number and the same number with a point.
 */
export function classKey(value: ClassValue): string {
  if (typeof value === 'string') return value;
  const number = Number(value);
  return String(number === 0 ? 0 : number);
}

/** In the order that scikit-learn gives them: numbers and truth values by size, texts by code point; each once. */
export function sortedClasses(values: readonly ClassValue[]): ClassValue[] {
  const distinct = new Map(values.map((value) => [classKey(value), value]));
  const isText = values.some((value) => typeof value === 'string');
  return [...distinct.values()].toSorted((a, b) =>
    isText ? byCodePoint(String(a), String(b)) : Number(a) - Number(b),
  );
}

function byCodePoint(a: string, b: string): number {
  const [left, right] = [Array.from(a, codePoint), Array.from(b, codePoint)];
  const at = left.findIndex((point, place) => point !== right[place]);
  return at < 0 ? left.length - right.length : (left[at] ?? 0) - (right[at] ?? -1);
}

function codePoint(character: string): number {
  return character.codePointAt(0) ?? 0;
}
