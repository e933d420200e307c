import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeDifference } from '../../activities/deployment/evidence/code-difference.ts';
import { createTarCodeArchive } from '../../adapters/code-archive/tar.ts';
import { createDiskObjectStore } from '../../adapters/object-store/disk.ts';
import type { CodeManifest } from '../../contracts/code/code-version.ts';
import { sha256OfBytes } from '../../contracts/digest.ts';
import type { ObjectStore } from '../../ports/object-store.ts';
import type { CodeFiles } from '../support/training-jobs.ts';
import { storeCode } from '../support/training-jobs.ts';

let folder: string;
let objectStore: ObjectStore;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perennial-difference-'));
  objectStore = createDiskObjectStore(join(folder, 'blobs'));
});
afterAll(() => rm(folder, { recursive: true }));

async function codeOf(files: CodeFiles, environment: CodeManifest['environment']): Promise<{ manifest: CodeManifest }> {
  const archive = await storeCode(objectStore, files);
  const rest = { schemaVersion: 1 as const, command: ['sh'], network: false, validation: false };
  return { manifest: { ...rest, archive, environment } };
}

test('code is compared by file, and its lock is the file with hashes or the lock that was resolved from the file', async () => {
  const locked = 'a==1 --hash=sha256:1\n';
  const resolved = 'a==2 --hash=sha256:2\n';
  const { sha256 } = await objectStore.putBytes(Buffer.from(resolved));
  const before = await codeOf(
    { 'a.lock': locked, 'train.py': 'one\n' },
    { path: 'a.lock', lock: sha256OfBytes(locked) },
  );
  const after = await codeOf(
    { 'a.txt': 'a\n', 'train.py': 'two\n' },
    { path: 'a.txt', lock: sha256, resolvedFrom: sha256OfBytes('a\n') },
  );
  const scratchFolder = join(folder, 'scratch');
  const deps = { objectStore, codeArchive: createTarCodeArchive(), scratchFolder };
  const { files, lockBefore, lock } = await codeDifference(deps, before, after);
  expect(files.map(({ path, change }) => `${path} ${change}`)).toEqual([
    'a.lock removed',
    'a.txt added',
    'train.py changed',
  ]);
  expect({ lockBefore, lock }).toEqual({ lockBefore: locked, lock: resolved });
  const none = await codeDifference(deps, null, await codeOf({ 'train.py': 'one\n' }, null));
  expect(none).toEqual({ files: [], lockBefore: null, lock: null });
  expect(await readdir(scratchFolder)).toEqual([]);
});
