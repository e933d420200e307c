import { mkdir, readdir, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Sha256 } from '../../contracts/identifiers.ts';
import type { ObjectStore } from '../../ports/object-store.ts';
import { checkFile, corruptIn } from './digest-check.ts';
import { copyFetched, removeAbandoned, temporaryName } from './whole-file.ts';

interface FetchedFilesSettings {
  /** Folder of the copies. Several processes of one machine may share it. */
  readonly folder: string;
  /** Maximum size of all copies. A file that is larger than a quarter of it is not kept. */
  readonly bytesAtMost: number;
}

/** Copies that were not used for this long are removed. */
const keptMs = 24 * 60 * 60 * 1000;

/**
 * Returns a store that keeps copies of the files that were fetched from a store on another machine. The digest of a copy
 * is checked whenever it is used, and every caller gets a copy of its own, so that none can change what others get.
 */
export function keepFetchedFiles(store: ObjectStore, settings: FetchedFilesSettings): ObjectStore {
  const copies = new FetchedFiles(settings);
  return {
    size: (sha256) => store.size(sha256),
    get: (sha256) => store.get(sha256),
    read: (sha256, limit) => store.read(sha256, limit),
    getFile: async (sha256, path) => {
      if (await copies.take(sha256, path)) return;
      await store.getFile(sha256, path);
      await copies.keep(sha256, path);
    },
    put: (sha256, bytes) => store.put(sha256, bytes),
    putFile: (path) => store.putFile(path),
    putBytes: (bytes) => store.putBytes(bytes),
    remove: async (sha256) => {
      await copies.drop(sha256);
      await store.remove(sha256);
    },
    list: (after, limit) => store.list(after, limit),
    removeUntouched: async (sha256, since) => {
      const isGone = await store.removeUntouched(sha256, since);
      if (isGone) await copies.drop(sha256);
      return isGone;
    },
    putNamed: (name, bytes) => store.putNamed(name, bytes),
    readNamed: (name) => store.readNamed(name),
    listNamed: (prefix, after, limit) => store.listNamed(prefix, after, limit),
    removeNamed: (name) => store.removeNamed(name),
    check: () => store.check(),
  };
}

class FetchedFiles {
  readonly #folder: string;
  readonly #bytesAtMost: number;
  #sweeping: Promise<void> | undefined;

  constructor({ folder, bytesAtMost }: FetchedFilesSettings) {
    this.#folder = folder;
    this.#bytesAtMost = bytesAtMost;
  }

  /** Copies a kept file to `path`. Returns false if there is no intact copy. */
  async take(sha256: Sha256, path: string): Promise<boolean> {
    const kept = join(this.#folder, sha256);
    if ((await stat(kept).catch(() => undefined)) === undefined) return false;
    try {
      await copyChecked(kept, sha256, path);
      const now = new Date();
      await utimes(kept, now, now).catch(() => undefined);
      return true;
    } catch {
      // Altered, or removed meanwhile, or the disk is full: fetching it again reports what is wrong.
      await this.drop(sha256);
      return false;
    }
  }

  /** Keeps a copy of a fetched file. A copy that cannot be kept is no error. */
  async keep(sha256: Sha256, path: string): Promise<void> {
    try {
      if ((await stat(path)).size > this.#bytesAtMost / 4) return;
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      await copyChecked(path, sha256, join(this.#folder, sha256));
      await (this.#sweeping ??= this.#sweep().finally(() => (this.#sweeping = undefined)));
    } catch {
      await this.drop(sha256);
    }
  }

  async drop(sha256: Sha256): Promise<void> {
    await rm(join(this.#folder, sha256), { force: true }).catch(() => undefined);
  }

  /** Removes the copies that were used least recently, until the others are within the limit. */
  async #sweep(): Promise<void> {
    await removeAbandoned(this.#folder);
    const names = (await readdir(this.#folder)).filter((name) => /^[0-9a-f]{64}$/.test(name));
    const found = await Promise.all(
      names.map(async (name) => ({ name, file: await stat(join(this.#folder, name)).catch(() => undefined) })),
    );
    const copies = found.flatMap(({ name, file }) =>
      file === undefined ? [] : [{ name, bytes: file.size, usedMs: file.mtimeMs }],
    );
    let left = this.#bytesAtMost;
    for (const { name, bytes, usedMs } of copies.toSorted((one, other) => other.usedMs - one.usedMs)) {
      left -= bytes;
      if (left < 0 || usedMs < Date.now() - keptMs) await this.drop(name);
    }
  }
}

async function copyChecked(from: string, sha256: Sha256, to: string): Promise<void> {
  const temporary = join(dirname(to), temporaryName());
  await copyFetched(from, { temporary, path: to }, (copy) =>
    checkFile(copy, sha256, corruptIn(`the copies in ${dirname(from)}`)),
  );
}
