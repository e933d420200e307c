import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256OfBytes } from '../../contracts/digest.ts';
import type { Sha256 } from '../../contracts/identifiers.ts';
import { writeWhole } from '../../files/write-whole.ts';
import type { ObjectStore } from '../../ports/object-store.ts';
import type { GatewayDisk } from '../log/gateway-disk.ts';

/**
 * Cache of model artifacts on the gateway's own disk, so that it can start while the object store is unreachable. The
 * digest is checked on every read.
 */
export interface ArtifactCache {
  read(sha256: Sha256, bytesAtMost: number): Promise<Buffer>;
  /** Removes the files of all other artifacts. */
  keepOnly(wanted: ReadonlySet<Sha256>): Promise<void>;
}

export function createArtifactCache(
  folder: string,
  /** Folder for unfinished files, on the same file system. */
  scratchFolder: string,
  objectStore: ObjectStore,
  disk: Pick<GatewayDisk, 'note'>,
): ArtifactCache {
  async function readLocal(sha256: Sha256): Promise<Buffer | undefined> {
    try {
      const bytes = await readFile(join(folder, sha256));
      return sha256OfBytes(bytes) === sha256 ? bytes : undefined;
    } catch {
      return undefined;
    }
  }

  async function keep(sha256: Sha256, bytes: Buffer): Promise<void> {
    await mkdir(folder, { recursive: true });
    await mkdir(scratchFolder, { recursive: true });
    await writeWhole(join(folder, sha256), bytes, { draft: join(scratchFolder, `${sha256}.part`), flush: false });
  }

  return {
    async read(sha256, bytesAtMost) {
      const local = await readLocal(sha256);
      if (local !== undefined) return local;
      const bytes = await objectStore.read(sha256, bytesAtMost);
      // A full disk must not prevent a model from being served.
      await keep(sha256, bytes).catch((caught: unknown) => disk.note(caught));
      return bytes;
    },
    async keepOnly(wanted) {
      const names = await readdir(folder).catch(() => []);
      await Promise.all(
        names.filter((name) => !wanted.has(name)).map((name) => rm(join(folder, name), { force: true })),
      );
    },
  };
}
