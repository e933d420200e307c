/**
 * Postgres keeps no NUL and no half of a surrogate pair in text or JSON, and what a training script prints or a person
 * types may have either: they become U+FFFD, so that a row that must be written can be.
 */
export function storableText(text: string): string {
  return text.toWellFormed().replaceAll('\u0000', '\uFFFD');
}

/** The value as JSON gives it back, with every string storable. */
export function storableJson<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value), (_key, item: unknown) =>
    typeof item === 'string' ? storableText(item) : item,
  );
}
