import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { keepDerivedFiles } from '../../adapters/object-store/kept-derived-files.ts';
import { sha256OfJson } from '../../contracts/digest.ts';
import type { DerivedFiles } from '../../ports/derived-files.ts';

let root: string;
let files: DerivedFiles;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'perennial-derived-'));
  files = keepDerivedFiles({ folder: join(root, 'kept'), bytesAtMost: 1000 });
});
afterEach(() => rm(root, { recursive: true }));

async function made(text: string): Promise<string> {
  const path = join(root, 'made');
  await writeFile(path, text);
  return path;
}

async function taken(key: string): Promise<string | null> {
  const path = join(root, 'taken');
  return (await files.take([{ key, path }])).has(key) ? readFile(path, 'utf8') : null;
}

const [one, other] = [sha256OfJson('one'), sha256OfJson('other')];

test('a file is kept by its key, and lost when it was altered', async () => {
  expect(await taken(one)).toBeNull();
  await files.keep({ key: one, path: await made('answers') });
  await files.keep({ key: other, path: await made('others') });
  expect(await taken(one)).toBe('answers');
  expect(await taken(other)).toBe('others');
  const name = (await readdir(join(root, 'kept'))).find((candidate) => candidate.startsWith(one)) ?? '';
  await writeFile(join(root, 'kept', name), 'answerz');
  expect(await taken(one)).toBeNull();
  expect(await readdir(join(root, 'kept'))).toHaveLength(1);
  expect(await taken(other)).toBe('others');
});

test('all copies together keep to the limit', async () => {
  for (let at = 0; at < 20; at += 1)
    await files.keep({ key: sha256OfJson(at), path: await made(String(at).repeat(200).slice(0, 200)) });
  expect((await readdir(join(root, 'kept'))).length).toBe(5);
  await files.keep({ key: one, path: await made('x'.repeat(251)) });
  expect(await taken(one)).toBeNull();
});
