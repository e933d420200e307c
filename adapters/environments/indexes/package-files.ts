import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

/** A file's hash as its index page gives it, in hexadecimal. */
export interface FileHash {
  readonly algorithm: 'sha256' | 'sha384' | 'sha512';
  readonly hex: string;
}

const bytesAtMost = 20 * 2 ** 30;
const keptForMs = 30 * 24 * 3_600_000;

/**
 * Cache of package files by their hashes, so that the next environment does not download them again. Only this process
 * writes to it, and only files that match their hash. Nothing that runs during an installation sees the folder.
 */
export class PackageFiles {
  readonly #folder: string;
  readonly #workFolder: string;

  /** `workFolder` holds incomplete files. It belongs to this process and is on the same file system as `folder`. */
  constructor(folder: string, workFolder: string) {
    this.#folder = folder;
    this.#workFolder = workFolder;
  }

  async find(hash: FileHash): Promise<{ readonly bytes: number; readonly body: Readable } | null> {
    const path = this.#pathOf(hash);
    const found = await stat(path).catch(() => null);
    if (found === null) return null;
    const now = new Date();
    // Marks the file as used, because `prune` removes files that were not used for long.
    await utimes(path, now, now).catch(() => undefined);
    return { bytes: found.size, body: createReadStream(path) };
  }

  /** Passes a file on and stores it. A file that does not match its hash is passed on but not stored. */
  async *keeping(source: AsyncIterable<Buffer>, hash: FileHash): AsyncGenerator<Buffer> {
    await mkdir(this.#folder, { recursive: true });
    await mkdir(this.#workFolder, { recursive: true });
    const partial = join(this.#workFolder, `${randomUUID()}.part`);
    const file = await open(partial, 'wx');
    try {
      const digest = createHash(hash.algorithm);
      for await (const chunk of source) {
        digest.update(chunk);
        await file.write(chunk);
        yield chunk;
      }
      await file.close();
      if (digest.digest('hex') === hash.hex) await rename(partial, this.#pathOf(hash));
    } finally {
      await file.close().catch(() => undefined);
      await rm(partial, { force: true });
    }
  }

  /** Removes files that were not used for 30 days, and the least recently used files beyond 20 GiB. */
  async prune(): Promise<void> {
    const names = await readdir(this.#folder).catch(() => []);
    const found = await Promise.all(names.map(async (name) => ({ name, stat: await this.#statOf(name) })));
    const newestFirst = found
      .flatMap(({ name, stat: of }) => (of === null ? [] : [{ name, bytes: of.size, used: of.mtimeMs }]))
      .toSorted((a, b) => b.used - a.used);
    let total = 0;
    for (const { name, bytes, used } of newestFirst) {
      total += bytes;
      if (total > bytesAtMost || Date.now() - used > keptForMs) await rm(join(this.#folder, name), { force: true });
    }
  }

  #statOf(name: string) {
    return stat(join(this.#folder, name)).catch(() => null);
  }

  #pathOf({ algorithm, hex }: FileHash): string {
    return join(this.#folder, `${algorithm}-${hex}`);
  }
}
