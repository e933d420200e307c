import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Scratch, StaleFolder } from '../../ports/scratch.ts';

/**
 * Returns an identity that distinguishes a process from a later one with the same id, or undefined if no process has
 * the id.
 */
export type IdentityOf = (pid: number) => string | undefined;

interface Owner {
  readonly pid: number;
  readonly identity: string;
  readonly host: string;
}

const ownerFile = 'owner.json';
/**
 * Age in milliseconds at which a folder without an owner is stale. Such a folder is from an older version, or from a
 * process that has not written its owner yet.
 */
const unclaimedAfterMs = 7 * 24 * 60 * 60_000;

function rootOf(home: string): string {
  return join(home, 'scratch');
}

/** Creates a working folder and records this process as its owner. The caller removes it. */
export async function claimScratch(home: string, role: string, identityOf: IdentityOf): Promise<string> {
  await mkdir(rootOf(home), { recursive: true });
  const folder = await mkdtemp(join(rootOf(home), `${role}-`));
  const owner: Owner = { pid: process.pid, identity: identityOf(process.pid) ?? '', host: hostname() };
  await writeFile(join(folder, ownerFile), JSON.stringify(owner));
  return folder;
}

export function createScratch(home: string, identityOf: IdentityOf, now: () => number = Date.now): Scratch {
  const root = rootOf(home);
  const look = (name: string) => whyStale(join(root, name), identityOf, now());
  return {
    async stale() {
      const entries = await readdir(root, { withFileTypes: true }).catch(() => []);
      const stale: StaleFolder[] = [];
      for (const { name } of entries.filter((entry) => entry.isDirectory())) {
        const why = await look(name);
        if (why !== undefined) stale.push({ name, why });
      }
      return stale;
    },
    async remove(name) {
      const entries = await readdir(root, { withFileTypes: true }).catch(() => []);
      if (!entries.some((entry) => entry.isDirectory() && entry.name === name) || (await look(name)) === undefined)
        return;
      await rm(join(root, name), { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

async function whyStale(folder: string, identityOf: IdentityOf, now: number): Promise<string | undefined> {
  const owner = await readOwner(join(folder, ownerFile));
  if (owner === undefined) {
    const touched = await stat(folder).then(
      (found) => found.mtimeMs,
      () => now,
    );
    return now - touched > unclaimedAfterMs
      ? 'no process has claimed the folder, and it is more than 7 days old'
      : undefined;
  }
  // The owner is on another machine, or in another container, that shares the folder. Its processes are not visible
  // here.
  if (owner.host !== hostname()) return undefined;
  const identity = identityOf(owner.pid);
  return identity === owner.identity ? undefined : `process ${owner.pid}, which made the folder, has ended`;
}

async function readOwner(path: string): Promise<Owner | undefined> {
  try {
    const owner: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (typeof owner !== 'object' || owner === null) return undefined;
    const { pid, identity, host }: Partial<Record<keyof Owner, unknown>> = owner;
    if (typeof pid !== 'number' || typeof identity !== 'string' || typeof host !== 'string') return undefined;
    return { pid, identity, host };
  } catch {
    return undefined;
  }
}
