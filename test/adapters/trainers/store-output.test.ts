import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createDiskObjectStore } from '../../../adapters/object-store/disk.ts';
import { storeOutput } from '../../../adapters/trainers/local/store-output.ts';

test('a result that has been stored for long gets a new age, so that garbage collection keeps it during the run', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'perennial-output-'));
  try {
    const store = createDiskObjectStore(join(folder, 'blobs'));
    const absolute = join(folder, 'model.onnx');
    await writeFile(absolute, 'model');
    const { sha256 } = await store.putFile(absolute);
    await utimes(join(folder, 'blobs', sha256.slice(0, 2), sha256), 0, 0);
    const begun = Date.now() - 1000;
    const { artifact } = await storeOutput(store, { model: { path: 'model.onnx', absolute }, metrics: {}, files: [] });
    expect(artifact).toEqual({ path: 'model.onnx', sha256, bytes: 5 });
    const [blob] = await store.list(null, 1);
    expect(Date.parse(blob!.putAt)).toBeGreaterThan(begun);
  } finally {
    await rm(folder, { recursive: true });
  }
});
