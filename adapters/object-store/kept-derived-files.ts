import type { DerivedFiles } from '../../ports/derived-files.ts';
import type { CopiesSettings } from './bounded-copies.ts';
import { BoundedCopies } from './bounded-copies.ts';
import { digestOfFile } from './digest-check.ts';

/** Keeps derived files in a folder of bounded size. A copy is named by its key and its own digest. */
export function keepDerivedFiles(settings: CopiesSettings): DerivedFiles {
  const copies = new BoundedCopies(settings);
  return {
    async take(key, path) {
      const name = (await copies.names()).find((candidate) => candidate.startsWith(`${key}.`));
      return name !== undefined && (await copies.take(name, name.slice(key.length + 1), path));
    },
    async keep(key, path) {
      const { sha256 } = await digestOfFile(path);
      await copies.keep(`${key}.${sha256}`, sha256, path);
    },
  };
}
