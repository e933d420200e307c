import { execFileSync } from 'node:child_process';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { extract } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { archiveFolder, gitStateOf } from '../../cli/files/archive-folder.ts';
import { parseIgnorePatterns } from '../../cli/files/ignore-patterns.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perennial-archive-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, 'code', path)), { recursive: true });
    await writeFile(join(folder, 'code', path), text);
  }
}

async function archived(): Promise<string[]> {
  const path = join(folder, 'code.tar');
  await archiveFolder(join(folder, 'code'), createWriteStream(path));
  const names: string[] = [];
  for await (const entry of createReadStream(path).pipe(extract())) {
    names.push(entry.header.name);
    entry.resume();
  }
  return names;
}

function git(...args: string[]): void {
  const identity = ['-c', 'user.name=test', '-c', 'user.email=test@example.org'];
  execFileSync('git', ['-C', join(folder, 'code'), ...identity, ...args], { stdio: 'pipe' });
}

test.each([
  ['PERENNIAL_CODE_SIZE', { bytes: 10, files: 100 }],
  ['PERENNIAL_CODE_FILES', { bytes: 2 ** 20, files: 1 }],
])('a folder over a limit is refused with the name of %s', async (setting, limits) => {
  await write({ 'train.py': 'print(1)', 'data.csv': 'a,b,c' });
  const target = createWriteStream(join(folder, 'code.tar'));
  await expect(archiveFolder(join(folder, 'code'), target, limits)).rejects.toMatchObject({
    code: 'too-large',
    message: expect.stringContaining(`raise ${setting} on the machine that packs the code and on the workers`),
  });
});

test('outside a checkout, .gitignore, .perennialignore and a default list keep files out', async () => {
  await write({
    'train.py': '',
    'notes.md': '',
    'data/rows.csv': '',
    'deep/model.onnx': '',
    '.gitignore': 'data/\n',
    '.perennialignore': '*.md\n*.onnx\n',
    '.venv/bin/python': '',
    '__pycache__/train.pyc': '',
    '.pytest_cache/x': '',
    'node_modules/a/index.js': '',
  });
  expect(await archived()).toEqual(['.gitignore', 'train.py']);
});

test('in a checkout git decides what is ignored, and .perennialignore also keeps out tracked files', async () => {
  await write({
    'train.py': '',
    'docs/page.md': '',
    '.gitignore': '*.csv\n',
    '.perennialignore': 'docs/\n',
    'rows.csv': '',
  });
  git('init', '--quiet');
  git('add', '--force', 'train.py', 'docs', '.gitignore');
  git('commit', '--quiet', '--message', 'files');
  await write({ 'new.py': '' });
  expect(await archived()).toEqual(['.gitignore', 'new.py', 'train.py']);
});

test('a tree is recorded as dirty if it differs from its commit', async () => {
  expect(await gitStateOf(folder)).toBeUndefined();
  await write({ 'train.py': 'x' });
  git('init', '--quiet');
  git('add', '--all');
  git('commit', '--quiet', '--message', 'files');
  const clean = await gitStateOf(join(folder, 'code'));
  expect(clean).toEqual({ gitCommit: expect.stringMatching(/^[0-9a-f]{40}$/), dirty: false });
  await write({ 'new.py': '' });
  expect(await gitStateOf(join(folder, 'code'))).toEqual({ ...clean, dirty: true });
});

test('a link is refused by name, and a folder with only ignored files is refused as empty', async () => {
  await write({ '.perennialignore': '*\n', 'a.txt': '' });
  await expect(archived()).rejects.toMatchObject({ code: 'invalid-request' });
  await symlink('/etc/passwd', join(folder, 'code/passwd'));
  await expect(archived()).rejects.toMatchObject({ code: 'archive-unsafe' });
});

describe('an ignore pattern means what git takes it to mean', () => {
  const files = [
    'a.log',
    'keep.log',
    'build/x.o',
    'src/build/y.o',
    'src/a/b/z.txt',
    'doc/a.txt',
    'a?b',
    'q[1].txt',
    '#hash',
    'sp ace',
    'Loud.LOG',
    'two\\parts',
  ];
  const lists = [
    '*.log\n!keep.log',
    'build/',
    '/build',
    'src/**/z.txt',
    '**/build',
    'doc/*',
    'doc/**',
    '*.[ot]*',
    '[!a]*.log',
    'a\\?b',
    '\\#hash',
    'src\n!src/a/b/z.txt',
    '# a remark\n\n*.txt   ',
    'q\\[1\\].txt',
    '*.LOG',
    '/*\n!/src/\n/src/*\n!/src/build/',
    '*.log\r\n!keep.log\r\n',
    '\uFEFF*.log',
    'two\\\\parts',
    '[z-a]*\n*.log',
    'a[',
    '*\n!*/\n!*.txt',
  ];

  test.each(lists)('%j', async (list) => {
    await mkdir(join(folder, 'code'));
    git('init', '--quiet');
    await writeFile(join(folder, 'code', '.gitignore'), list);
    const ours = files.filter(parseIgnorePatterns(list));
    let theirs: string[] = [];
    try {
      theirs = execFileSync('git', ['-C', join(folder, 'code'), 'check-ignore', '--stdin', '-z'], {
        input: files.join('\0'),
      })
        .toString()
        .split('\0')
        .filter((path) => path !== '');
    } catch {
      // git ends with exit code 1 if nothing is ignored.
    }
    expect(ours).toEqual(theirs);
  });
});
