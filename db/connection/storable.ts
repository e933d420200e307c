/**
 * Replaces NUL and unpaired surrogates by U+FFFD. Postgres stores neither in text or JSON, but output of training
 * scripts and typed text may contain them, and the row must be written nevertheless.
 */
export function storableText(text: string): string {
  return text.toWellFormed().replaceAll('\u0000', '\uFFFD');
}

/** Returns a JSON copy of the value with every string made storable. */
export function storableJson<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value), (_key, item: unknown) =>
    typeof item === 'string' ? storableText(item) : item,
  );
}
