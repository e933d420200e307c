import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

/** The hash that a page gives a file: hexadecimal. */
export interface FileHash {
  readonly algorithm: 'sha256' | 'sha384' | 'sha512';
  readonly hex: string;
}

const bytesAtMost = 20 * 2 ** 30;
const keptForMs = 30 * 24 * 3_600_000;

/**
 * Files of packages by their hashes, so that the next environment asks no index for them again. Only this process writes
 * here, and only what fits the hash: nothing that runs during an installation sees the folder.
 */
export class PackageFiles {
  readonly #folder: string;
  readonly #workFolder: string;

  /** `workFolder`: for files that are not whole yet; belongs to this process, on the same file system. */
  constructor(folder: string, workFolder: string) {
    this.#folder = folder;
    this.#workFolder = workFolder;
  }

  async find(hash: FileHash): Promise<{ readonly bytes: number; readonly body: Readable } | null> {
    const path = this.#pathOf(hash);
    const found = await stat(path).catch(() => null);
    if (found === null) return null;
    const now = new Date();
    // Used just now; what is not used is removed after a while.
    await utimes(path, now, now).catch(() => undefined);
    return { bytes: found.size, body: createReadStream(path) };
  }

  /** Passes a file on while it is kept; one that does not fit its hash is passed on and not kept. */
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

  /** Removes what nobody has used for long, and the longest unused beyond the bound. */
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
