import { join } from 'node:path';
import { mkdir } from 'node:fs/promises';
import type { Sha256 } from '../../contracts/identifiers.ts';
import type { ObjectStore } from '../../ports/object-store.ts';
import { eachAFewAtATime } from '../steps/workspace.ts';

/** Segments as files that are fetched when they are first needed. */
export interface SegmentFiles {
  readonly digests: readonly Sha256[];
  /** In the order of the digests. The files exist once `supply` has fetched them. */
  readonly paths: readonly string[];
  supply(paths: readonly string[]): Promise<void>;
}

export function segmentFiles(
  objectStore: Pick<ObjectStore, 'getFile'>,
  digests: readonly Sha256[],
  folder: string,
): SegmentFiles {
  const paths = digests.map((sha256, at) => join(folder, `${String(at).padStart(6, '0')}-${sha256.slice(0, 16)}`));
  const missing = new Map(paths.map((path, at) => [path, digests[at] ?? '']));
  return {
    digests,
    paths,
    async supply(wanted) {
      await mkdir(folder, { recursive: true });
      await eachAFewAtATime(wanted, async (path) => {
        const sha256 = missing.get(path);
        if (sha256 === undefined) return;
        await objectStore.getFile(sha256, path);
        missing.delete(path);
      });
    },
  };
}
