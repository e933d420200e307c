import { execFileSync } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { archiveFolder, folderWithin, gitStateOf } from '../../cli/files/archive-folder.ts';
import { parseConfiguration, parseConfigurationFile } from '../../contracts/configuration/configuration-file.ts';
import { relativePathProblem } from '../../contracts/code/relative-path.ts';
import { exampleFile } from '../contracts/example.ts';

const leaving = [
  '/etc',
  '..',
  '../other',
  'train/../../other',
  'train/..',
  '..\\other',
  'C:\\code',
  'c:/code',
  '~',
  '~/.ssh',
  '~root/code',
  'train\ncode',
  'a\u0085b',
  'a\ud800b',
  'x'.repeat(256),
  'é'.repeat(130),
  'x/'.repeat(501),
];
const staying = ['.', './', './train', 'train/', 'a//b', 'a..b', '...', 'späße', 'a~b', 'models/v1.2/train'];

test.each(leaving)('the path %j leaves its folder, or could leave it', (path) => {
  expect(relativePathProblem(path)).toBeDefined();
});

test.each(staying)('the path %j stays in its folder', (path) => {
  expect(relativePathProblem(path)).toBeUndefined();
});

describe('a configuration with a path that leaves its folder is refused with the key', () => {
  const example = parseConfigurationFile(exampleFile);
  const git = { url: 'https://forge.example/team/models.git', ref: 'main' };
  test.each<[string, string, (path: string) => unknown]>([
    ['code.path', '/code/path', (path) => ({ code: { ...example.code, path } })],
    ['code.environment', '/code/environment', (environment) => ({ code: { ...example.code, environment } })],
    ['a notebook', '/code/command/1', (path) => ({ code: { ...example.code, command: ['notebook', path] } })],
    [
      'a notebook of a gate',
      '/build/gates/0/command/1',
      (path) => ({ build: { ...example.build, gates: [{ command: ['notebook', path] }] } }),
    ],
    ['code.git.path', '/code/git/path', (path) => ({ code: { command: ['sh'], git: { ...git, path } } })],
  ])('%s', (_, pointer, changed) => {
    const parse = (path: string) => parseConfiguration(Object.assign({}, example, changed(path)));
    for (const path of leaving)
      expect(() => parse(path), path).toThrow(
        expect.objectContaining({
          code: 'invalid-configuration',
          // Text that cannot be stored is refused before its key is known, so the error has no pointer.
          fields: expect.objectContaining(path.isWellFormed() ? { pointer } : {}),
        }),
      );
    for (const path of staying) expect(() => parse(path), path).not.toThrow();
  });
});

describe("the command line on a stranger's checkout", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'perennial-paths-'));
    await mkdir(join(folder, 'project'));
    await mkdir(join(folder, 'private'));
    await writeFile(join(folder, 'private', 'key'), 'secret');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  test('uploads no folder that code.path reaches through a link', async () => {
    await symlink(join(folder, 'private'), join(folder, 'project', 'train'));
    await expect(folderWithin(join(folder, 'project'), 'train')).rejects.toMatchObject({
      code: 'archive-unsafe',
      message: expect.stringContaining('code.path train'),
    });
  });

  test('uploads a folder that a link within the project leads to, and the project itself', async () => {
    await mkdir(join(folder, 'project', 'v2'));
    await symlink('v2', join(folder, 'project', 'train'));
    expect(await folderWithin(join(folder, 'project'), 'train')).toMatch(/project\/v2$/);
    expect(await folderWithin(join(folder, 'project'), '.')).toMatch(/project$/);
  });

  test('uploads no file that is a link, to a file or to a folder', async () => {
    for (const target of ['private/key', 'private']) {
      await symlink(join(folder, target), join(folder, 'project', 'data'));
      await expect(
        archiveFolder(join(folder, 'project'), createWriteStream(join(folder, 'a.tar'))),
      ).rejects.toMatchObject({
        code: 'archive-unsafe',
      });
      await rm(join(folder, 'project', 'data'));
    }
  });

  test('runs no program that the configuration of the checkout names', async () => {
    const project = join(folder, 'project');
    const git = (...args: string[]) =>
      execFileSync('git', ['-C', project, '-c', 'user.name=a', '-c', 'user.email=a@example.org', ...args]);
    await writeFile(join(project, 'train.py'), 'x');
    git('init', '--quiet');
    git('add', '--all');
    git('commit', '--quiet', '--message', 'files');
    const mark = join(folder, 'ran');
    const program = join(folder, 'program');
    await writeFile(program, `#!/bin/sh\ntouch ${mark}\ncat\n`, { mode: 0o755 });
    git('config', 'core.fsmonitor', program);
    git('config', 'filter.own.clean', program);
    git('config', 'filter.own.process', program);
    git('config', 'filter.own.required', 'true');
    await writeFile(join(project, '.gitattributes'), '* filter=own\n');
    await writeFile(join(project, 'train.py'), 'y');
    await archiveFolder(project, createWriteStream(join(folder, 'a.tar')));
    expect(await gitStateOf(project)).toMatchObject({ dirty: true });
    await expect(stat(mark)).rejects.toThrow('ENOENT');
    expect((await readFile(join(folder, 'a.tar'))).includes('train.py')).toBe(true);
  });
});
