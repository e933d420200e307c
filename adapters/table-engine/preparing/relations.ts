import type { LockedDatabase } from '../process/locked-database.ts';
import { identifier, literal } from '../sql.ts';

/** Returns what a name stands for. */
export async function kindOfRelation(database: LockedDatabase, name: string): Promise<'TABLE' | 'VIEW' | undefined> {
  const [found] = await database.rows(
    `SELECT table_type AS kind FROM information_schema.tables WHERE table_name = ${literal(name)}`,
  );
  if (found === undefined) return undefined;
  return found.kind === 'VIEW' ? 'VIEW' : 'TABLE';
}

/** Renames a table or view. */
export async function renameRelation(database: LockedDatabase, from: string, to: string): Promise<void> {
  const kind = (await kindOfRelation(database, from)) ?? 'TABLE';
  await database.run(`ALTER ${kind} ${identifier(from)} RENAME TO ${identifier(to)}`);
}

/** Drops a table or view if it exists. */
export async function dropRelation(database: LockedDatabase, name: string): Promise<void> {
  const kind = await kindOfRelation(database, name);
  if (kind !== undefined) await database.run(`DROP ${kind} ${identifier(name)}`);
}
