import type { Declared } from './declared.ts';
import { type Field, typeOf } from './fields.ts';
import type { KnownColumns } from './infer-fields.ts';
import type { Warn } from './warn.ts';

/** Warns of what happens to the existing rows if a column gets another type or is left out. */
export function warnOfChanges(
  { stored, empty, rows }: KnownColumns,
  fields: readonly Field[],
  { ignored }: Declared,
  warn: Warn,
): void {
  for (const { name, type, stored: now } of fields) {
    const before = stored.get(name);
    if (before === undefined || before === now) continue;
    if (empty.has(name))
      warn({
        level: 'guess',
        kind: 'without-type',
        column: name,
        count: rows,
        example: null,
        message: `"${name}" had no value in the ${rows} existing rows; its first values give it the type ${type}. For another type, set data.columns: { ${JSON.stringify(name)}: string }`,
      });
    else warn(converted(name, typeOf[before], type, rows));
  }
  for (const name of ignored)
    if (stored.has(name))
      warn({
        level: 'warning',
        kind: 'left-out',
        column: name,
        count: rows,
        example: null,
        message: `"${name}" is ignored from now on, as data.columns says: this version drops the column from the ${rows} existing rows too; earlier versions keep it`,
      });
}

function converted(name: string, before: string, now: string, rows: number): Parameters<Warn>[0] {
  const text = `"${name}" changes its type from ${before} to ${now}: the ${rows} existing rows are converted`;
  // The original text of numbers and times is not stored, so it cannot be restored.
  const isSpelling = now === 'string';
  return {
    level: isSpelling ? 'warning' : 'guess',
    kind: 'converted',
    column: name,
    count: rows,
    example: null,
    message: isSpelling
      ? `${text} to text, without what they lost as ${before}, such as leading zeros; to restore it, ingest the source again as a snapshot`
      : `${text}, each value exactly`,
  };
}
