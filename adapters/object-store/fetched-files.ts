import type { ObjectStore } from '../../ports/object-store.ts';
import type { CopiesSettings } from './bounded-copies.ts';
import { BoundedCopies } from './bounded-copies.ts';

/**
 * Returns a store that keeps copies of the files that were fetched from a store on another machine. The digest of a copy
 * is checked whenever it is used, and every caller gets a copy of its own, so that none can change what others get.
 */
export function keepFetchedFiles(store: ObjectStore, settings: CopiesSettings): ObjectStore {
  const copies = new BoundedCopies(settings);
  return {
    size: (sha256) => store.size(sha256),
    get: (sha256) => store.get(sha256),
    read: (sha256, limit) => store.read(sha256, limit),
    getFile: async (sha256, path) => {
      if (await copies.take(sha256, sha256, path)) return;
      await store.getFile(sha256, path);
      await copies.keep(sha256, sha256, path);
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
