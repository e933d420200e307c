import { execFile } from 'node:child_process';
import { lstat, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { WholeFileOptions } from '../../files/write-whole.ts';
import { writeWhole, writeWholeSync } from '../../files/write-whole.ts';

const run = promisify(execFile);
const helper = join(import.meta.dirname, '../../files/write-whole.ts');

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perennial-whole-'));
  file = join(folder, 'state.json');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

type Write = (path: string, content: string, options?: WholeFileOptions) => Promise<unknown>;

const writers: readonly (readonly [string, Write])[] = [
  ['writeWhole', writeWhole],
  ['writeWholeSync', async (...given) => writeWholeSync(...given)],
];

/**
 * Runs the call in a process with a file size limit of 64 KiB, so that a write stops in the middle as on a full disk.
 */
async function onFullDisk(call: string): Promise<string> {
  const script = `
    process.on('SIGXFSZ', () => {});
    const { writeWhole, writeWholeSync } = await import(${JSON.stringify(helper)});
    const file = ${JSON.stringify(file)};
    const content = 'n'.repeat(200_000);
    try { await ${call}; console.log('written'); } catch (caught) { console.log(caught.code); }`;
  const node = [process.execPath, '--input-type=module', '--eval', script];
  const { stdout } = await run('bash', ['-c', 'ulimit -f 64; exec "$@"', 'bash', ...node]);
  return stdout.trim();
}

test.each([
  ['a text', 'writeWhole(file, content)'],
  ['a text, without a flush', 'writeWhole(file, content, { flush: false })'],
  ['bytes', 'writeWhole(file, Buffer.from(content))'],
  ['pieces', 'writeWhole(file, (async function* () { for (const _ of "abc") yield Buffer.from(content); })())'],
  ['a text, synchronously', 'writeWholeSync(file, content)'],
])('a disk that becomes full during the write of %s leaves the old file and no draft', async (_what, call) => {
  await writeFile(file, 'old');
  expect(await onFullDisk(call)).toBe('EFBIG');
  expect(await readFile(file, 'utf8')).toBe('old');
  expect(await readdir(folder)).toEqual(['state.json']);
});

test('a stream that breaks off leaves the old file and no draft', async () => {
  await writeFile(file, 'old');
  const broken = Readable.from(
    (async function* () {
      yield Buffer.from('new');
      throw new Error('the line went dead');
    })(),
  );
  await expect(writeWhole(file, broken)).rejects.toThrow('the line went dead');
  expect(await readFile(file, 'utf8')).toBe('old');
  expect(await readdir(folder)).toEqual(['state.json']);
});

test('a stream is closed when its file cannot be opened', async () => {
  const stream = Readable.from([Buffer.from('new')]);
  await expect(writeWhole(join(folder, 'absent', 'a'), stream)).rejects.toMatchObject({ code: 'ENOENT' });
  expect(stream.destroyed).toBe(true);
});

test('the bytes of a stream are counted', async () => {
  expect(await writeWhole(file, Readable.from([Buffer.from('grün'), Buffer.from('!')]))).toBe(6);
  expect(await readFile(file, 'utf8')).toBe('grün!');
});

test.each(writers)('%s replaces a link and leaves alone what it points to', async (_name, write) => {
  const elsewhere = join(folder, 'elsewhere');
  await writeFile(elsewhere, 'theirs');
  await symlink(elsewhere, file);
  await write(file, 'ours');
  expect((await lstat(file)).isSymbolicLink()).toBe(false);
  expect(await readFile(elsewhere, 'utf8')).toBe('theirs');
});

test.each(writers)('%s gives the file the requested mode, whatever mode the old one has', async (_name, write) => {
  await writeFile(file, 'old', { mode: 0o644 });
  await write(file, 'secret', { mode: 0o600 });
  expect((await stat(file)).mode & 0o777).toBe(0o600);
});
