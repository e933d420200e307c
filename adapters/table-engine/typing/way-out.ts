import type { ColumnType } from '../../../contracts/data/data-types.ts';
import type { Field } from './fields.ts';
import { hasForm } from './spellings.ts';
import { isMissingWord } from './text-classes.ts';

interface Refused {
  readonly field: Field;
  readonly value: string;
  readonly isDeclared: boolean;
}

/** Returns what the user can do about a value that does not fit its column's type. */
export function wayOutOf({ field: { name, type }, value, isDeclared }: Refused): string {
  const declare = (as: ColumnType): string => `data.columns: { ${name}: ${as} }`;
  if (isMissingWord(value))
    return `if it means that the value is missing, set data.nulls: [${JSON.stringify(value)}]; otherwise correct it, or declare ${declare('string')}`;
  if (isDeclared) return `correct it, or declare another type, such as ${declare('string')}`;
  if (type === 'integer' && hasForm(value, 'DOUBLE') && !hasForm(value, 'BIGINT'))
    return `correct it, or declare ${declare('number')}`;
  if (type === 'date' && hasForm(value, 'TIMESTAMP')) return `correct it, or declare ${declare('timestamp')}`;
  if ((type === 'integer' || type === 'number') && /^[+-]?[0-9.]+$/.test(value) && /^([+]|-?0[0-9])/.test(value))
    return `as a number it would lose digits or signs: declare ${declare('string')} to keep it as written, or ${declare(type)} to read it as ${Number(value)}`;
  return `correct it, or declare ${declare('string')} to keep the column as text`;
}
