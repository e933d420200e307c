import { ClassValue } from '../../contracts/models/signature.ts';
import type { Id, Instant } from '../../contracts/identifiers.ts';
import type { SQL } from '../connection/orm.ts';
import { sql } from '../connection/orm.ts';

/** A label's columns: either a number, or a class as JSON text. */
export interface StoredValue {
  readonly value: number | null;
  readonly class: string | null;
}

/**
 * Returns the label's value. The class is read as JSON text, because Drizzle would parse the text class "1" as a
 * number.
 */
export function labelValue(row: StoredValue): ClassValue {
  return row.value ?? ClassValue.parse(JSON.parse(row.class ?? 'null'));
}

/** Returns the columns `value`, `class` and `at` of labels as parameters of `unnest`. */
export function labelColumns(labels: readonly { readonly value: ClassValue; readonly at: Instant }[]): SQL {
  const values = sql.param(labels.map(({ value }) => (typeof value === 'number' ? value : null)));
  const classes = sql.param(labels.map(({ value }) => (typeof value === 'number' ? null : JSON.stringify(value))));
  const times = sql.param(labels.map(({ at }) => at));
  return sql`${values}::float8[], ${classes}::text[], ${times}::timestamptz[]`;
}

/**
 * Locks the labels of the scope until the transaction ends. Without the lock, a label and the segment with its
 * prediction could arrive at the same time and miss each other. Take it before the model's lock.
 */
export function lockLabels(scope: { readonly modelId: Id; readonly environment: string }): SQL {
  const name = `perennial labels ${scope.modelId} ${scope.environment}`;
  return sql`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`;
}

/**
 * Returns an instant in milliseconds, because the driver returns instants of plain SQL as text in Postgres's notation.
 */
export function epochMs(instant: SQL): SQL {
  return sql`(extract(epoch from ${instant}) * 1000)::float8`;
}
