import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { createDiskObjectStore } from '../../adapters/object-store/disk.ts';
import { keepFetchedFiles } from '../../adapters/object-store/fetched-files.ts';
import type { Sha256 } from '../../contracts/identifiers.ts';
import type { ObjectStore } from '../../ports/object-store.ts';

const roots: string[] = [];
afterAll(() => Promise.all(roots.map((root) => rm(root, { recursive: true, force: true }))));

let root: string;
let origin: ObjectStore;
let store: ObjectStore;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'perennial-fetched-'));
  roots.push(root);
  origin = createDiskObjectStore(join(root, 'origin'));
  store = keepFetchedFiles(origin, { folder: join(root, 'copies'), bytesAtMost: 1000 });
});

let fetched = 0;
async function fetchBlob(sha256: Sha256): Promise<string> {
  const path = join(root, `fetched-${(fetched += 1)}`);
  await store.getFile(sha256, path);
  return readFile(path, 'utf8');
}

const copies = async () => new Set(await readdir(join(root, 'copies')).catch(() => []));
const stored = async (text: string) => (await store.putBytes(Buffer.from(text))).sha256;

test('a file is fetched once, and each caller gets a file of its own', async () => {
  const sha256 = await stored('rows');
  expect(await fetchBlob(sha256)).toBe('rows');
  await rm(join(root, 'origin'), { recursive: true });
  expect(await fetchBlob(sha256)).toBe('rows');
  await writeFile(join(root, `fetched-${fetched}`), 'changed');
  expect(await fetchBlob(sha256)).toBe('rows');
});

test('an altered copy is fetched again', async () => {
  const sha256 = await stored('rows');
  await fetchBlob(sha256);
  await writeFile(join(root, 'copies', sha256), 'evil');
  expect(await fetchBlob(sha256)).toBe('rows');
  expect(await readFile(join(root, 'copies', sha256), 'utf8')).toBe('rows');
});

test('the copies that were used least recently make room, and a large file is not kept', async () => {
  const blobs = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((letter) => stored(letter.repeat(240))));
  for (const [at, sha256] of blobs.slice(0, 4).entries()) {
    await fetchBlob(sha256);
    const used = new Date(Date.now() - 60_000 + at);
    await utimes(join(root, 'copies', sha256), used, used);
  }
  await fetchBlob(blobs[0]!);
  await fetchBlob(blobs[4]!);
  expect(await copies()).toEqual(new Set([blobs[0], blobs[2], blobs[3], blobs[4]]));
  await fetchBlob(await stored('x'.repeat(251)));
  expect(await copies()).toEqual(new Set([blobs[0], blobs[2], blobs[3], blobs[4]]));
});

test('a removed blob has no copy, and neither has one that nobody used for a day', async () => {
  const [one, other, third] = [await stored('one'), await stored('other'), await stored('third')];
  await fetchBlob(one);
  await fetchBlob(other);
  await store.remove(one);
  await expect(fetchBlob(one)).rejects.toMatchObject({ code: 'blob-missing' });
  const longAgo = new Date(Date.now() - 25 * 60 * 60 * 1000);
  await utimes(join(root, 'copies', other), longAgo, longAgo);
  await fetchBlob(third);
  expect(await copies()).toEqual(new Set([third]));
});
