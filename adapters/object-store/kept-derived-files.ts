import type { Sha256 } from '../../contracts/identifiers.ts';
import type { DerivedFiles } from '../../ports/derived-files.ts';
import type { CopiesSettings } from './bounded-copies.ts';
import { BoundedCopies } from './bounded-copies.ts';
import { digestOfFile } from './digest-check.ts';

const digestLength = 64;

/** Keeps derived files in a folder of bounded size. A copy is named by its key and its own digest. */
export function keepDerivedFiles(settings: CopiesSettings): DerivedFiles {
  const copies = new BoundedCopies(settings);
  return {
    async take(files) {
      const digests = new Map(
        (await copies.names()).map((name) => [name.slice(0, digestLength), name.slice(digestLength + 1)]),
      );
      const taken = new Set<Sha256>();
      for (const { key, path } of files) {
        const sha256 = digests.get(key);
        if (sha256 !== undefined && (await copies.take(`${key}.${sha256}`, sha256, path))) taken.add(key);
      }
      return taken;
    },
    async keep({ key, path }) {
      const { sha256 } = await digestOfFile(path);
      await copies.keep(`${key}.${sha256}`, sha256, path);
    },
  };
}
