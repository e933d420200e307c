import type { Instant } from '../../contracts/identifiers.ts';

/** Quotes a name as an SQL identifier. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Quotes a text as an SQL string literal. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

export function identifiers(names: readonly string[]): string {
  return names.map(identifier).join(', ');
}

/** Returns an instant as an SQL TIMESTAMP literal in UTC. */
export function timestampOf(instant: Instant): string {
  return `TIMESTAMP ${literal(instant.replace('T', ' ').replace('Z', ''))}`;
}

/**
 * Returns SQL that reads Parquet files in the given order. With `byName`, columns are matched by name, and a column
 * that a file lacks is null. With `placed`, rows have their `filename` and `file_row_number` too.
 */
export function parquetRows(paths: readonly string[], { byName = false, placed = false } = {}): string {
  return `read_parquet([${paths.map(literal).join(', ')}], union_by_name = ${byName}, hive_partitioning = false${placed ? ', filename = true, file_row_number = true' : ''})`;
}

/** Returns the SQL condition `from <= column < to` for a TIMESTAMP column in UTC; `true` if neither bound is given. */
export function within(column: string, from: Instant | undefined, to: Instant | undefined): string {
  const bounds = [
    from === undefined ? [] : `${identifier(column)} >= ${timestampOf(from)}`,
    to === undefined ? [] : `${identifier(column)} < ${timestampOf(to)}`,
  ].flat();
  return bounds.length === 0 ? 'true' : bounds.join(' AND ');
}
