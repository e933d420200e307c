import { execFile } from 'node:child_process';
import { chmodSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { PerennialError, reasonOf } from '../../contracts/errors.ts';
import { isRoot } from '../state-folder.ts';

const run = promisify(execFile);

/** The user that Postgres runs as. It refuses to run as root. */
export interface PostgresOwner {
  /** Command and arguments that are put before each command line. */
  readonly prefix: readonly string[];
  /** Another user of this machine, who must own the data; undefined for the user who runs the stack. */
  readonly user?: { readonly uid: number; readonly gid: number };
}

const self: PostgresOwner = { prefix: [] };

/**
 * Chooses the user that Postgres runs as. For an ordinary user it is that user. For root it is a user namespace in
 * which root's own files belong to `nobody`, so that the data and a checkout in /root stay accessible. If the machine
 * forbids user namespaces, it is the user `postgres`, who is created if necessary. Existing data keeps its owner.
 */
export async function postgresOwner(dataFolder: string, programs: string): Promise<PostgresOwner> {
  if (!isRoot()) return self;
  const owner = ownerOf(dataFolder);
  if (owner === undefined || owner.uid === 0) {
    const namespaced = await inUserNamespace();
    if (namespaced !== undefined) return namespaced;
  }
  const user = owner !== undefined && owner.uid !== 0 ? owner : await postgresUser();
  const home = dirname(dataFolder);
  // Others may traverse the folder but not list it. Its content stays readable by its owner only.
  chmodSync(home, 0o711);
  for (const path of [home, programs]) mustBeReachable(path);
  return { prefix: [], user };
}

async function inUserNamespace(): Promise<PostgresOwner | undefined> {
  try {
    const [uid, gid] = await Promise.all([idOf('-u', 'nobody'), idOf('-g', 'nobody')]);
    const prefix = ['unshare', '--user', `--map-user=${uid}`, `--map-group=${gid}`, '--'];
    await run('unshare', [...prefix.slice(1), 'true']);
    return { prefix };
  } catch {
    return undefined;
  }
}

async function postgresUser(): Promise<{ uid: number; gid: number }> {
  try {
    await run('id', ['-u', 'postgres']).catch(() => makePostgresUser());
    const [uid, gid] = await Promise.all([idOf('-u', 'postgres'), idOf('-g', 'postgres')]);
    return { uid, gid };
  } catch (caught) {
    throw new PerennialError(
      'invalid-setting',
      `Postgres refuses to run as root, and the user postgres cannot be created (${reasonOf(caught)}): start the stack as an ordinary user, or set DATABASE_URL to the address of a database`,
      {},
      { cause: caught },
    );
  }
}

async function makePostgresUser(): Promise<void> {
  await run('groupadd', ['--force', '--system', 'postgres']);
  await run('useradd', [
    '--system',
    '--no-create-home',
    '--shell',
    '/usr/sbin/nologin',
    '--gid',
    'postgres',
    'postgres',
  ]);
}

async function idOf(flag: '-u' | '-g', user: string): Promise<number> {
  return Number((await run('id', [flag, user])).stdout);
}

function mustBeReachable(path: string): void {
  for (let folder = path; folder !== dirname(folder); folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) !== 0) continue;
    throw new PerennialError(
      'invalid-setting',
      `Postgres refuses to run as root, and its own user cannot enter ${folder}: run chmod o+x on that folder, start the stack as an ordinary user, or move the checkout and PERENNIAL_HOME elsewhere`,
      { folder },
    );
  }
}

function ownerOf(folder: string): { uid: number; gid: number } | undefined {
  const stat = statSync(folder, { throwIfNoEntry: false });
  return stat === undefined ? undefined : { uid: stat.uid, gid: stat.gid };
}
