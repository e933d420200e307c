import { PerennialError } from '../../../contracts/errors.ts';
import { brokenCasts } from './broken-casts.ts';
import { type Declared, readingOf } from './declared.ts';
import type { Field } from './fields.ts';
import type { LockedDatabase } from '../process/locked-database.ts';
import { type Source, placeInFile } from '../reading/source.ts';
import { castIn } from '../reading/source-casts.ts';
import { identifier } from '../sql.ts';
import { wayOutOf } from './way-out.ts';

interface Misfit {
  readonly field: Field;
  readonly condition: string;
}

/**
 * Throws `schema-changed` if a value of a source does not fit its column's type. The error names the first such value.
 */
export async function checkValues(
  database: LockedDatabase,
  source: Source,
  fields: readonly Field[],
  declared: Declared,
): Promise<void> {
  const casts = fields.map((field) => castIn(source, field.name, field.stored, readingOf(declared, field)));
  const [first] = [...(await brokenCasts(database, casts, source.table))].toSorted((a, b) => a - b);
  const [field, condition] = first === undefined ? [] : [fields[first], casts[first]?.misfit];
  if (field !== undefined && condition !== undefined)
    throw await refusalOf(database, source, declared, { field, condition });
}

async function refusalOf(
  database: LockedDatabase,
  source: Source,
  declared: Declared,
  { field, condition }: Misfit,
): Promise<PerennialError> {
  const found = await database.row(
    `SELECT min("_row") AS row, arg_min(CAST(${identifier(field.name)} AS VARCHAR), "_row") AS value, count(*) AS count FROM ${source.table} WHERE ${condition}`,
  );
  const value = String(found.value);
  const place = await placeInFile(source, Number(found.row));
  const expected = field.stored === 'TIMESTAMP WITH TIME ZONE' ? 'timestamp with an offset' : field.type;
  const isDeclared = declared.types.has(field.name);
  const others = Number(found.count) > 1 ? ` (${String(found.count)} such values in all)` : '';
  return new PerennialError(
    'schema-changed',
    `${place.text}: column "${field.name}" ${isDeclared ? 'is declared as' : 'has the type'} ${expected}, but ${JSON.stringify(value)} does not fit${others}; ${wayOutOf({ field, value, isDeclared })}`,
    {
      file: source.file.name,
      line: place.line,
      column: field.name,
      expected,
      value,
      rows: Number(found.count),
    },
  );
}
