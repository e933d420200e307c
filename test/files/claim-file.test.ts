import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { claimFile } from '../../files/claim-file.ts';

const source = join(import.meta.dirname, '../../files/claim-file.ts');

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perennial-claim-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('only one process at a time can claim a file', () => {
  const file = join(folder, 'lock');
  const release = claimFile(file);
  expect(release).toBeDefined();
  expect(claimFile(file)).toBeUndefined();
  release?.();
  const again = claimFile(file);
  expect(again).toBeDefined();
  again?.();
});

test('a claim ends when its process is killed', async () => {
  const file = join(folder, 'lock');
  const script = `
    const { claimFile } = await import(${JSON.stringify(source)});
    claimFile(${JSON.stringify(file)});
    console.log('claimed');
    setInterval(() => {}, 1_000);`;
  const holder = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await once(holder.stdout, 'data');
    expect(claimFile(file)).toBeUndefined();
  } finally {
    const ended = once(holder, 'exit');
    holder.kill('SIGKILL');
    await ended;
  }
  const release = claimFile(file);
  expect(release).toBeDefined();
  release?.();
});

test('a file that cannot be created is an error, not a claim of another process', () => {
  expect(() => claimFile(join(folder, 'absent', 'lock'))).toThrow('unable to open database file');
});
