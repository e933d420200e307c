import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, lstat, mkdir, mkdtemp, readFile, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Header, pack } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createTarCodeArchive } from '../../adapters/code-archive/tar.ts';

type Given = Partial<Header> & { name: string; body?: string | Buffer };

const archives = createTarCodeArchive();
let root: string;
beforeEach(async () => void (root = await mkdtemp(join(tmpdir(), 'perennial-archive-'))));
afterEach(() => rm(root, { recursive: true, force: true }));

const code = {
  'train.py': 'print(1)\n',
  'lib/features.py': 'x = 1\n',
  'lib/deep/er/é.txt': 'ü\n',
  'B.txt': '',
  'a.txt': 'a',
  'run.sh': '#!/bin/sh\n',
  [`long/${'n'.repeat(180)}.py`]: 'long\n',
};

async function folderOf(files: Readonly<Record<string, string>>, name = 'code'): Promise<string> {
  const folder = join(root, name);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return folder;
}

async function digest(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}

async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .toSorted();
}

async function archiveOf(entries: readonly Given[]): Promise<string> {
  const archive = pack();
  for (const { body, ...header } of entries) archive.entry(header, body ?? '');
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive as AsyncIterable<Buffer>) chunks.push(chunk);
  const path = join(root, 'given.tar');
  await writeFile(path, Buffer.concat(chunks));
  return path;
}

describe('packing', () => {
  test('the same files give the same bytes, whatever their times, creation order and owner bits', async () => {
    const first = await folderOf(code, 'first');
    const second = await folderOf(Object.fromEntries(Object.entries(code).toReversed()), 'second');
    for (const folder of [first, second]) await chmod(join(folder, 'run.sh'), 0o755);
    await utimes(join(second, 'train.py'), 1, 1);
    await chmod(join(second, 'a.txt'), 0o664);
    await archives.pack(first, join(root, 'first.tar'));
    await archives.pack(second, join(root, 'second.tar'));
    expect(await digest(join(root, 'first.tar'))).toBe(await digest(join(root, 'second.tar')));
  });

  test('has this fixed digest, so that a change of the archive format is noticed', async () => {
    const folder = await folderOf({ 'train.py': 'print(1)\n', 'lib/a.py': '' });
    await archives.pack(folder, join(root, 'a.tar'));
    expect(await digest(join(root, 'a.tar'))).toBe('70c75e7e0b154a27c23c9e134ff674917ee1de1231c7735985c79797a2231c81');
  });

  test('an archive that is unpacked and packed again has the same digest', async () => {
    const folder = await folderOf(code);
    await chmod(join(folder, 'run.sh'), 0o755);
    await archives.pack(folder, join(root, 'a.tar'));
    const unpacked = await archives.unpack(join(root, 'a.tar'), join(root, 'again'));
    expect(unpacked).toEqual({
      files: Object.keys(code).length,
      bytes: Object.values(code).reduce((sum, text) => sum + Buffer.byteLength(text), 0),
    });
    await archives.pack(join(root, 'again'), join(root, 'b.tar'));
    expect(await digest(join(root, 'b.tar'))).toBe(await digest(join(root, 'a.tar')));
  });

  test('another byte, name or executable bit gives another digest', async () => {
    const seen = new Set<string>();
    const variants: Record<string, string>[] = [{ 'a.py': '1' }, { 'a.py': '2' }, { 'b.py': '1' }];
    for (const [at, files] of variants.entries()) {
      const folder = await folderOf(files, `v${at}`);
      await archives.pack(folder, join(root, 'v.tar'));
      seen.add(await digest(join(root, 'v.tar')));
    }
    await chmod(join(root, 'v0', 'a.py'), 0o755);
    await archives.pack(join(root, 'v0'), join(root, 'v.tar'));
    seen.add(await digest(join(root, 'v.tar')));
    expect(seen.size).toBe(4);
  });

  test('caches, environments and git are left out at any depth, and entries are sorted by bytes', async () => {
    const folder = await folderOf({
      ...code,
      '__pycache__/a.pyc': 'x',
      'lib/__pycache__/b.pyc': 'x',
      '.git/HEAD': 'x',
      '.venv/bin/python': 'x',
      'lib/node_modules/m.js': 'x',
      '.gitignore': 'kept',
    });
    await archives.pack(folder, join(root, 'a.tar'));
    const listed = execFileSync('tar', ['-tf', join(root, 'a.tar')], { env: { ...process.env, LC_ALL: 'C.UTF-8' } })
      .toString()
      .trim()
      .split('\n');
    expect(listed.map((line) => line.replace('\\303\\251', 'é'))).toEqual(
      [...Object.keys(code), '.gitignore'].toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
    );
  });

  test('a link in the folder is refused by name and leaves no archive', async () => {
    const folder = await folderOf(code);
    await symlink('/etc/passwd', join(folder, 'lib', 'secrets'));
    await expect(archives.pack(folder, join(root, 'a.tar'))).rejects.toMatchObject({
      code: 'archive-unsafe',
      fields: { path: 'lib/secrets' },
    });
    expect((await readdir(root)).toSorted()).toEqual(['code']);
  });
});

describe('unpacking', () => {
  test('archives that tar makes are accepted, plain and with gzip, with executable bits and without owners', async () => {
    const folder = await folderOf(code);
    await chmod(join(folder, 'run.sh'), 0o750);
    for (const flags of ['-cf', '-czf']) {
      execFileSync('tar', ['-C', folder, flags, join(root, 'given'), '.']);
      const target = join(root, `out${flags}`);
      expect((await archives.unpack(join(root, 'given'), target)).files).toBe(Object.keys(code).length);
      expect(await filesOf(target)).toEqual(Object.keys(code).toSorted());
      expect((await lstat(join(target, 'run.sh'))).mode & 0o777).toBe(0o755);
      expect((await lstat(join(target, 'a.txt'))).mode & 0o777).toBe(0o644);
    }
  });

  const hostile: [string, Given[]][] = [
    ['a symbolic link', [{ name: 'l', type: 'symlink', linkname: '/etc/passwd' }]],
    [
      'a file through a linked folder',
      [
        { name: 'd', type: 'symlink', linkname: '/tmp' },
        { name: 'd/evil', body: 'x' },
      ],
    ],
    [
      'a hard link',
      [
        { name: 'a', body: 'x' },
        { name: 'h', type: 'link', linkname: 'a' },
      ],
    ],
    ['a device', [{ name: 'null', type: 'character-device' }]],
    ['a fifo', [{ name: 'f', type: 'fifo' }]],
    ['an absolute path', [{ name: '/tmp/evil', body: 'x' }]],
    ['a path that leaves the folder', [{ name: '../evil', body: 'x' }]],
    ['a longer path that leaves the folder', [{ name: 'a/../../evil', body: 'x' }]],
    ['a folder outside the folder', [{ name: 'a/../../d/', type: 'directory' }]],
    ['a backslash', [{ name: 'a\\..\\evil', body: 'x' }]],
    ['a drive letter', [{ name: 'C:evil', body: 'x' }]],
    ['a NUL', [{ name: 'evil', pax: { path: 'a\0.py' }, body: 'x' }]],
    ['an empty name', [{ name: 'a//b', body: 'x' }]],
    [
      'the same file twice',
      [
        { name: 'a', body: 'x' },
        { name: 'a', body: 'y' },
      ],
    ],
    [
      'the same file twice under different spellings',
      [
        { name: 'a', body: 'x' },
        { name: './a', body: 'y' },
      ],
    ],
    [
      'two files that differ only in case',
      [
        { name: 'a', body: 'x' },
        { name: 'A', body: 'y' },
      ],
    ],
    [
      'a file below a file',
      [
        { name: 'a', body: 'x' },
        { name: 'a/b', body: 'y' },
      ],
    ],
    [
      'a file in place of a folder',
      [
        { name: 'a/b', body: 'x' },
        { name: 'a', body: 'y' },
      ],
    ],
  ];
  test.each(hostile)('%s is archive-unsafe and leaves nothing', async (_name, entries) => {
    const path = await archiveOf([{ name: 'good.py', body: 'x' }, ...entries]);
    await expect(archives.unpack(path, join(root, 'out'))).rejects.toMatchObject({ code: 'archive-unsafe' });
    expect(await readdir(join(root, 'out'))).toEqual([]);
    expect((await readdir(root)).toSorted()).toEqual(['given.tar', 'out']);
  });

  test('more than 256 MiB is too-large before anything is written', async () => {
    const archive = pack();
    archive.entry({ name: 'bomb', size: 2 ** 28 + 1 });
    const { value: header } = await archive[Symbol.asyncIterator]().next();
    if (!Buffer.isBuffer(header)) throw new Error('no header was written');
    await writeFile(join(root, 'given'), gzipSync(Buffer.concat([header, Buffer.alloc(2 ** 20)])));
    await expect(archives.unpack(join(root, 'given'), join(root, 'out'))).rejects.toMatchObject({ code: 'too-large' });
    expect(await readdir(join(root, 'out'))).toEqual([]);
  });

  test('more than 20,000 entries are too-large', async () => {
    const path = await archiveOf(Array.from({ length: 20_001 }, () => ({ name: 'd/', type: 'directory' as const })));
    await expect(archives.unpack(path, join(root, 'out'))).rejects.toMatchObject({ code: 'too-large' });
    expect(await readdir(join(root, 'out'))).toEqual([]);
  });

  test.each([
    ['PERENNIAL_CODE_SIZE', { bytes: 1_000, files: 100 }],
    ['PERENNIAL_CODE_FILES', { bytes: 2 ** 20, files: 2 }],
  ])('archives over a configured limit are too-large, and the message names %s', async (setting, limits) => {
    const limited = createTarCodeArchive(limits);
    const refused = { code: 'too-large', message: expect.stringContaining(`raise ${setting}`), fields: { setting } };
    const path = await archiveOf(['a', 'b', 'c'].map((name) => ({ name, body: 'x'.repeat(400) })));
    await expect(limited.unpack(path, join(root, 'limited'))).rejects.toMatchObject(refused);
    await archives.unpack(path, join(root, 'all'));
    await expect(limited.pack(join(root, 'all'), join(root, 'packed.tar'))).rejects.toMatchObject(refused);
    expect((await readdir(root)).filter((name) => name.startsWith('packed'))).toEqual([]);
  });

  test.each([
    ['a file that is not an archive', Buffer.from('print("hello")\n'.repeat(100))],
    ['a truncated gzip', gzipSync(Buffer.alloc(5000)).subarray(0, 20)],
  ])('%s is refused with a reason', async (_name, bytes) => {
    await writeFile(join(root, 'given'), bytes);
    await expect(archives.unpack(join(root, 'given'), join(root, 'out'))).rejects.toMatchObject({
      code: 'archive-unsafe',
    });
  });

  test('a truncated archive is refused and leaves nothing', async () => {
    const path = await archiveOf([{ name: 'a', body: 'x'.repeat(5000) }]);
    await writeFile(path, (await readFile(path)).subarray(0, 2000));
    await expect(archives.unpack(path, join(root, 'out'))).rejects.toMatchObject({ code: 'archive-unsafe' });
    expect(await readdir(join(root, 'out'))).toEqual([]);
  });

  test('a folder that is not empty is refused as the target', async () => {
    const folder = await folderOf(code);
    await archives.pack(folder, join(root, 'a.tar'));
    await expect(archives.unpack(join(root, 'a.tar'), folder)).rejects.toMatchObject({ code: 'conflict' });
    expect(await filesOf(folder)).toEqual(Object.keys(code).toSorted());
  });
});
