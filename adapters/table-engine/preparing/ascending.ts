import type { LockedDatabase } from '../process/locked-database.ts';
import { identifier } from '../sql.ts';

/** Rows that usually show that the others need not be read. */
const firstRows = 2_000;

/**
 * Returns whether the rows of a relation, in the order in which they are stored, ascend strictly by one or two columns
 * without nulls. Reads the columns once; nothing is sorted.
 */
export async function ascends(database: LockedDatabase, from: string, columns: readonly string[]): Promise<boolean> {
  const first = await areAscending(database, `(SELECT * FROM ${from} LIMIT ${firstRows})`, columns);
  return first && areAscending(database, from, columns);
}

async function areAscending(database: LockedDatabase, from: string, columns: readonly string[]): Promise<boolean> {
  const names = columns.slice(0, 2).map(identifier);
  const befores = names.map((name, at) => `lag(${name}) OVER () AS before_${at}`);
  const [first = '', second] = names;
  const later = second === undefined ? '' : ` OR (${first} = before_0 AND ${second} > before_1)`;
  const { ascending } = await database.row(
    `SELECT bool_and(${names.map((name) => `${name} IS NOT NULL`).join(' AND ')} AND coalesce(${first} > before_0${later}, before_0 IS NULL)) AS ascending FROM (SELECT ${[...names, ...befores].join(', ')} FROM ${from})`,
  );
  return ascending === true;
}
