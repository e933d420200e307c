import type { Instant } from '../../contracts/identifiers.ts';

/** A name as SQL, quoted. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text as SQL, quoted. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

export function identifiers(names: readonly string[]): string {
  return names.map(identifier).join(', ');
}

/** An instant as a TIMESTAMP in UTC. */
export function timestampOf(instant: Instant): string {
  return `TIMESTAMP ${literal(instant.replace('T', ' ').replace('Z', ''))}`;
}

/** Rows of Parquet files, in the order given; columns that a file lacks are null when `byName`. */
export function parquetRows(paths: readonly string[], { byName = false } = {}): string {
  return `read_parquet([${paths.map(literal).join(', ')}], union_by_name = ${byName}, hive_partitioning = false)`;
}

/** Half-open bounds on a TIMESTAMP in UTC, as a condition; `true` without bounds. */
export function within(column: string, from: Instant | undefined, to: Instant | undefined): string {
  const bounds = [
    from === undefined ? [] : `${identifier(column)} >= ${timestampOf(from)}`,
    to === undefined ? [] : `${identifier(column)} < ${timestampOf(to)}`,
  ].flat();
  return bounds.length === 0 ? 'true' : bounds.join(' AND ');
}
