import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { WriteBytes } from '../../gateway/log/segment-file.ts';
import { writesOf } from '../../gateway/log/segment-file.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perennial-writes-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Writes that this thread makes, each of which takes `takesMs`. */
function disk() {
  const state = { now: 0, takesMs: 1, atOnce: 0, failure: undefined as Error | undefined };
  const writeAtOnce = (_descriptor: number, _bytes: Uint8Array, _offset: number, length: number): number => {
    state.now += state.takesMs;
    state.atOnce += 1;
    if (state.failure !== undefined) throw state.failure;
    return length;
  };
  return { state, writes: writesOf(() => state.now, writeAtOnce) };
}

async function written(writes: WriteBytes, text: string): Promise<string> {
  const path = join(folder, 'file');
  await using file = await open(path, 'w');
  const bytes = Buffer.from(text);
  await new Promise<void>((resolve, reject) => {
    writes(file.fd, bytes, 0, bytes.length, 0, (error) => (error ? reject(error) : resolve()));
  });
  return await readFile(path, 'utf8');
}

test('few bytes are written at once, and many by another thread', async () => {
  const { state, writes } = disk();
  await written(writes, 'row');
  expect(state.atOnce).toBe(1);
  const many = 'row'.repeat(100_000);
  expect(await written(writes, many)).toBe(many);
  expect(state.atOnce).toBe(1);
});

test('after a slow write, another thread writes for a minute', async () => {
  const { state, writes } = disk();
  state.takesMs = 200;
  await written(writes, 'slow');
  state.takesMs = 1;
  state.now += 59_000;
  expect(await written(writes, 'later')).toBe('later');
  expect(state.atOnce).toBe(1);
  state.now += 1_000;
  await written(writes, 'quick again');
  expect(state.atOnce).toBe(2);
});

test('a failure of the disk is reported', async () => {
  const { state, writes } = disk();
  state.failure = new Error('ENOSPC: no space left on device, write');
  await expect(written(writes, 'lost')).rejects.toThrow('ENOSPC');
});
