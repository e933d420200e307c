import { mkdir, readdir, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Sha256 } from '../../contracts/identifiers.ts';
import { checkFile, corruptIn } from './digest-check.ts';
import { copyFetched, removeAbandoned, temporaryName } from './whole-file.ts';

export interface CopiesSettings {
  /** Folder of the copies. Several processes of one machine may share it. */
  readonly folder: string;
  /** Maximum size of all copies. A file that is larger than a quarter of it is not kept. */
  readonly bytesAtMost: number;
}

/** Copies that were not used for this long are removed. */
const keptMs = 24 * 60 * 60 * 1000;
/** Names of copies are digests, one or two of them. */
const nameOfCopy = /^[0-9a-f]{64}(?:\.[0-9a-f]{64})?$/;

/** Copies of files in a folder of bounded size. Their digests are checked whenever they are used. */
export class BoundedCopies {
  readonly #folder: string;
  readonly #bytesAtMost: number;
  #sweeping: Promise<void> | undefined;

  constructor({ folder, bytesAtMost }: CopiesSettings) {
    this.#folder = folder;
    this.#bytesAtMost = bytesAtMost;
  }

  async names(): Promise<string[]> {
    return (await readdir(this.#folder).catch(() => [])).filter((name) => nameOfCopy.test(name));
  }

  /** Copies a kept file to `path`. Returns false if there is no intact copy. */
  async take(name: string, sha256: Sha256, path: string): Promise<boolean> {
    const kept = join(this.#folder, name);
    if ((await stat(kept).catch(() => undefined)) === undefined) return false;
    try {
      await copyChecked(kept, sha256, path);
      const now = new Date();
      await utimes(kept, now, now).catch(() => undefined);
      return true;
    } catch {
      // Altered, or removed meanwhile, or the disk is full: making it again reports what is wrong.
      await this.drop(name);
      return false;
    }
  }

  /** Keeps a copy of a file. A copy that cannot be kept is no error. */
  async keep(name: string, sha256: Sha256, path: string): Promise<void> {
    try {
      if ((await stat(path)).size > this.#bytesAtMost / 4) return;
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      await copyChecked(path, sha256, join(this.#folder, name));
      await (this.#sweeping ??= this.#sweep().finally(() => (this.#sweeping = undefined)));
    } catch {
      await this.drop(name);
    }
  }

  async drop(name: string): Promise<void> {
    await rm(join(this.#folder, name), { force: true }).catch(() => undefined);
  }

  /** Removes the copies that were used least recently, until the others are within the limit. */
  async #sweep(): Promise<void> {
    await removeAbandoned(this.#folder);
    const names = await this.names();
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
