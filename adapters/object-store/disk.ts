import { createReadStream } from 'node:fs';
import {
  type FileHandle,
  access,
  constants,
  link,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  stat,
  utimes,
} from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { Readable } from 'node:stream';
import { sha256OfBytes } from '../../contracts/digest.ts';
import { diskFull, isAboutFullDisk } from '../../contracts/disk-full.ts';
import { PerennialError, reasonOf } from '../../contracts/errors.ts';
import type { Instant, Sha256 } from '../../contracts/identifiers.ts';
import type { ObjectStore, StoredBlob } from '../../ports/object-store.ts';
import { collect, defaultReadLimit } from './collect.ts';
import { blobMissing, checkFile, checkedStream, corruptIn, digestOfFile, wrongUpload } from './digest-check.ts';
import { checkName, collectNamed } from './named-objects.ts';
import type { OpenStore } from './store-place.ts';
import { copyFetched, removeAbandoned, temporaryName, writeWholeStream } from './whole-file.ts';

/**
 * Creates a store that keeps blobs as files `folder/<first two digits>/<sha256>`, which are written in `folder/tmp` and
 * renamed. `folder` is created at the first write and must be one file system. Named objects are in `folder/named`.
 * Bytes are synced before `put` resolves.
 */
export function createDiskObjectStore(folder: string): ObjectStore {
  return new DiskObjectStore(folder);
}

export const openDiskStore: OpenStore = (_settings, { home }) => createDiskObjectStore(join(home, 'objects'));

class DiskObjectStore implements ObjectStore {
  readonly #folder: string;
  readonly #where: string;
  #cleared: Promise<void> | undefined;

  constructor(folder: string) {
    this.#folder = folder;
    this.#where = `the object store in ${folder}`;
  }

  async put(sha256: Sha256, bytes: Readable): Promise<{ bytes: number; existed: boolean }> {
    const known = await this.#touch(sha256);
    // Even if the blob exists, the bytes are read, checked and written again, which repairs a blob that was altered.
    const written = await this.#answer(() =>
      writeWholeStream(
        checkedStream(bytes, sha256, wrongUpload),
        join(this.#folder, 'tmp', temporaryName()),
        this.#path(sha256),
      ),
    );
    return { bytes: written, existed: known !== undefined };
  }

  async putFile(path: string): Promise<{ sha256: Sha256; bytes: number }> {
    const found = await digestOfFile(path);
    if ((await this.#touch(found.sha256)) === undefined) await this.put(found.sha256, createReadStream(path));
    return found;
  }

  async putBytes(bytes: Uint8Array): Promise<{ sha256: Sha256; bytes: number }> {
    const sha256 = sha256OfBytes(bytes);
    await this.put(sha256, Readable.from([Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)]));
    return { sha256, bytes: bytes.byteLength };
  }

  async size(sha256: Sha256): Promise<number | undefined> {
    return this.#answer(async () => {
      try {
        return (await stat(this.#path(sha256))).size;
      } catch (caught) {
        if (isAbsent(caught)) return undefined;
        throw caught;
      }
    });
  }

  async get(sha256: Sha256): Promise<Readable> {
    return checkedStream(await this.#open(sha256), sha256, corruptIn(this.#where), (error) => this.#worded(error));
  }

  async read(sha256: Sha256, limit = defaultReadLimit): Promise<Buffer> {
    return collect(await this.get(sha256), sha256, limit);
  }

  async getFile(sha256: Sha256, path: string): Promise<void> {
    const blob = await this.#file(sha256);
    await blob.close();
    const temporary = join(dirname(path), temporaryName());
    await copyFetched(this.#path(sha256), { temporary, path }, (copy) =>
      checkFile(copy, sha256, corruptIn(this.#where)),
    );
  }

  async remove(sha256: Sha256): Promise<void> {
    await this.#answer(() => rm(this.#path(sha256), { force: true }));
  }

  async list(after: Sha256 | null, limit: number): Promise<readonly StoredBlob[]> {
    return this.#answer(async () => {
      const listed: StoredBlob[] = [];
      for (const prefix of await namesIn(this.#folder, blobFolder)) {
        if (after !== null && prefix < after.slice(0, 2)) continue;
        for (const sha256 of await namesIn(join(this.#folder, prefix), blobName)) {
          if (after !== null && sha256 <= after) continue;
          const found = await stat(this.#path(sha256)).catch(undefinedIfAbsent);
          if (found !== undefined) listed.push({ sha256, bytes: found.size, putAt: found.mtime.toISOString() });
          if (listed.length === limit) return listed;
        }
      }
      return listed;
    });
  }

  async removeUntouched(sha256: Sha256, since: Instant): Promise<boolean> {
    return this.#answer(async () => {
      const [path, aside] = [this.#path(sha256), join(this.#folder, 'tmp', temporaryName())];
      const found = await stat(path).catch(undefinedIfAbsent);
      if (found === undefined) return true;
      if (found.mtime >= new Date(since)) return false;
      // The blob is moved aside first: a concurrent put writes it again, and a concurrent touch shows in the time of
      // the moved file.
      await mkdir(dirname(aside), { recursive: true });
      await rename(path, aside).catch(undefinedIfAbsent);
      const moved = await stat(aside).catch(undefinedIfAbsent);
      if (moved === undefined) return true;
      if (moved.mtime < new Date(since)) {
        await rm(aside);
        return true;
      }
      await rename(aside, path);
      return false;
    });
  }

  async putNamed(name: string, bytes: Uint8Array): Promise<boolean> {
    return this.#answer(async () => {
      const [path, whole] = [this.#named(name), join(this.#folder, 'tmp', temporaryName())];
      await writeWholeStream(Readable.from([Buffer.from(bytes)]), `${whole}.tmp`, whole);
      await mkdir(dirname(path), { recursive: true });
      try {
        // `link` fails if a file has the name; `rename` would replace it.
        await link(whole, path);
        return true;
      } catch (caught) {
        if (isSystemError(caught) && caught.code === 'EEXIST') return false;
        throw caught;
      } finally {
        await rm(whole, { force: true });
      }
    });
  }

  async readNamed(name: string): Promise<Buffer | undefined> {
    return this.#answer(async () => {
      const file = await open(this.#named(name), 'r').catch(undefinedIfAbsent);
      return file === undefined ? undefined : ((await collectNamed(file.createReadStream())) ?? Buffer.alloc(0));
    });
  }

  async listNamed(prefix: string, after: string | null, limit: number): Promise<readonly string[]> {
    return this.#answer(async () => {
      const root = join(this.#folder, 'named');
      const found = await readdir(join(root, prefix), { recursive: true, withFileTypes: true }).catch(
        undefinedIfAbsent,
      );
      return (found ?? [])
        .filter((entry) => entry.isFile())
        .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
        .filter((name) => after === null || name > after)
        .toSorted((a, b) => (a < b ? -1 : 1))
        .slice(0, limit);
    });
  }

  async removeNamed(name: string): Promise<void> {
    await this.#answer(() => rm(this.#named(name), { force: true }));
  }

  /** Checks that the folder is accessible. Also removes the partial uploads of killed processes, once per process. */
  async check(): Promise<void> {
    await this.#answer(async () => {
      await (this.#cleared ??= removeAbandoned(join(this.#folder, 'tmp')));
      await mkdir(this.#folder, { recursive: true });
      await access(this.#folder, constants.R_OK | constants.W_OK | constants.X_OK);
    });
  }

  /** Sets the blob's time to now. Returns its size, or undefined if it does not exist. */
  async #touch(sha256: Sha256): Promise<number | undefined> {
    return this.#answer(async () => {
      const now = new Date();
      await utimes(this.#path(sha256), now, now).catch(undefinedIfAbsent);
      return this.size(sha256);
    });
  }

  #path(sha256: Sha256): string {
    return join(this.#folder, sha256.slice(0, 2), sha256);
  }

  #named(name: string): string {
    return join(this.#folder, 'named', checkName(name));
  }

  async #open(sha256: Sha256): Promise<Readable> {
    return (await this.#file(sha256)).createReadStream();
  }

  async #file(sha256: Sha256): Promise<FileHandle> {
    return this.#answer(async () => {
      try {
        return await open(this.#path(sha256), 'r');
      } catch (caught) {
        if (isAbsent(caught)) throw blobMissing(sha256, this.#where);
        throw caught;
      }
    });
  }

  async #answer<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (caught) {
      if (caught instanceof PerennialError || !isSystemError(caught)) throw caught;
      throw this.#worded(caught);
    }
  }

  #worded(caught: unknown): PerennialError {
    if (isAboutFullDisk(caught)) return diskFull(this.#folder, caught);
    return new PerennialError(
      'store-unavailable',
      `${this.#where} does not answer: ${reasonOf(caught)}; check the disk and its permissions`,
      { folder: this.#folder },
      { cause: caught },
    );
  }
}

const blobFolder = /^[0-9a-f]{2}$/;
const blobName = /^[0-9a-f]{64}$/;

/** Returns the names in order; none if the folder does not exist. */
async function namesIn(folder: string, pattern: RegExp): Promise<readonly string[]> {
  const names = (await readdir(folder).catch(undefinedIfAbsent)) ?? [];
  return names.filter((name) => pattern.test(name)).toSorted();
}

function undefinedIfAbsent(caught: unknown): undefined {
  if (!isAbsent(caught)) throw caught;
}

function isSystemError(caught: unknown): caught is NodeJS.ErrnoException {
  return caught instanceof Error && 'syscall' in caught;
}

function isAbsent(caught: unknown): boolean {
  return isSystemError(caught) && caught.code === 'ENOENT';
}
