import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { z } from 'zod';
import { applyMigrations, drizzle } from '../../db/connection/orm.ts';
import { createTestDatabase } from '../support/postgres-of-tests.ts';

const migrations = fileURLToPath(new URL('../../db/migrations', import.meta.url));
const Journal = z.object({ entries: z.array(z.unknown()) }).loose();

/**
 * A state that record-home.ts recorded in an earlier version: a home without its database, and the database as that
 * version left it.
 */
export interface EarlierState {
  readonly home: string;
  readonly databaseUrl: string;
  rows(table: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
  remove(): Promise<void>;
}

/** Restores the recorded state. The database has the tables of that version and has not been upgraded. */
export async function layEarlierState(name: string): Promise<EarlierState> {
  const home = await mkdtemp(join(tmpdir(), 'perennial-earlier-'));
  const archive = fileURLToPath(new URL(`states/${name}.tar.gz`, import.meta.url));
  await promisify(execFile)('tar', ['-xzf', archive, '-C', home]);
  const database = await createTestDatabase({ empty: true });
  const rows = async (table: string) => {
    const text = await readFile(join(home, 'tables', `${table}.ndjson`), 'utf8');
    return text
      .trim()
      .split('\n')
      .map((line) => z.record(z.string(), z.unknown()).parse(JSON.parse(line)));
  };
  await fill(database.url, home, rows);
  return {
    home,
    databaseUrl: database.url,
    rows,
    async remove() {
      await database.drop();
      await rm(home, { recursive: true, force: true });
    },
  };
}

async function fill(url: string, home: string, rowsOf: EarlierState['rows']): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await migrateAsThen(client, home);
    // Switches foreign keys off, because rows are inserted table by table and refer to each other.
    await client.query('set session_replication_role = replica');
    for (const file of await readdir(join(home, 'tables'))) {
      const table = file.replace('.ndjson', '');
      await client.query(
        `insert into "${table}" overriding system value select * from jsonb_populate_recordset(null::"${table}", $1)`,
        [JSON.stringify(await rowsOf(table))],
      );
    }
    const { rows } = await client.query<{ table: string; column: string }>(
      `select table_name as "table", column_name as "column" from information_schema.columns
       where table_schema = 'public' and is_identity = 'YES'`,
    );
    for (const { table, column } of rows)
      await client.query(
        `select setval(pg_get_serial_sequence('"${table}"', '${column}'), coalesce(max("${column}"), 0) + 1, false) from "${table}"`,
      );
  } finally {
    await client.end();
  }
}

/** Applies the migrations that existed in that version, and no later ones. */
async function migrateAsThen(client: Client, home: string): Promise<void> {
  const { applied } = z
    .object({ applied: z.number() })
    .parse(JSON.parse(await readFile(join(home, 'migrations.json'), 'utf8')));
  const folder = join(home, 'migrations');
  await cp(migrations, folder, { recursive: true });
  const file = join(folder, 'meta', '_journal.json');
  const journal = Journal.parse(JSON.parse(await readFile(file, 'utf8')));
  await writeFile(file, JSON.stringify({ ...journal, entries: journal.entries.slice(0, applied) }));
  await applyMigrations(drizzle(client), { migrationsFolder: folder });
}
