import type { ClassValue } from './signature.ts';

/**
 * Returns a key that is equal for equal classes, however they are written: `true` equals the 1 that a model outputs for
 * it (`false` equals 0), and `1` equals `1.0`.
 */
export function classKey(value: ClassValue): string {
  if (typeof value === 'string') return value;
  const number = Number(value);
  return String(number === 0 ? 0 : number);
}

/** Returns the distinct classes in scikit-learn's order: numbers and booleans by value, texts by code point. */
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
