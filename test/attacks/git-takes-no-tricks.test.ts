import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createOutboundHosts } from '../../adapters/outbound-hosts/checked.ts';
import { createGitCodeSource } from '../../adapters/code-source/git.ts';
import { gitGround, refusal } from '../support/git-ground.ts';

const never = new AbortController().signal;
const { sandbox, folder, git, repository, commit, fetchFrom } = gitGround();
const mark = (): string => join(folder(), 'ran');

/** Points `main` at a tree of these entries, which `git add` would refuse. */
async function withTree(at: string, entries: string): Promise<string> {
  const tree = execFileSync('git', ['-C', at, 'mktree', '-z'], { input: entries }).toString().trim();
  const made = await git(at, 'commit-tree', tree, '-m', 'tree');
  await git(at, 'update-ref', 'refs/heads/main', made);
  return at;
}

test.each([
  '--upload-pack=touch ran',
  '-x',
  '+main',
  '+refs/*:refs/*',
  'main:refs/heads/other',
  'refs/heads/*',
  'main@{1}',
  'main^{commit}',
  ':/files',
  'main\n--upload-pack=touch ran',
  '',
])('the ref %j is not passed to git', async (ref) => {
  const at = await repository('code', { 'train.py': 'x' });
  expect(await refusal(fetchFrom(at, { ref }))).toMatchObject({ code: 'source-refused' });
});

test.each(['../other', '/etc', 'a\\b', '~/x', 'a\0b'])('the path %j is not passed to git', async (path) => {
  const at = await repository('code', { 'train.py': 'x' });
  expect(await refusal(fetchFrom(at, { path }))).toMatchObject({ code: 'source-refused' });
});

test.each([
  "ssh://git@x';touch $MARK;'/a.git",
  'ssh://git@$(touch%20$MARK)/a.git',
  'ssh://-oProxyCommand=touch@127.0.0.1/a.git',
  'ssh://git@-oProxyCommand=touch/a.git',
  'ext::sh -c touch% $MARK',
  'fd::17/a',
  'https://127.0.0.1/a.git\n--upload-pack=touch',
])('the address %j runs nothing', async (url) => {
  const anywhere = createOutboundHosts({ allowPrivate: true, lookupAll: async () => [{ address: '127.0.0.1' }] });
  const source = createGitCodeSource({ sandbox, hosts: anywhere });
  const connection = { kind: 'git' as const, sshKey: 'key', knownHosts: 'a ssh-ed25519 AAAA' };
  const request = { url: url.replaceAll('$MARK', mark()), ref: 'main', path: '', connection };
  expect(await refusal(source.fetch(request, folder(), never))).toMatchObject({ code: 'source-refused' });
  await expect(stat(mark())).rejects.toThrow('ENOENT');
});

describe('a submodule', () => {
  async function withModules(text: string, path = 'a'): Promise<string> {
    const at = await repository('code', { 'train.py': 'x', '.gitmodules': text });
    await git(at, 'update-index', '--add', '--cacheinfo', `160000,${await git(at, 'rev-parse', 'HEAD')},${path}`);
    await git(at, 'commit', '--quiet', '--message', 'module');
    return at;
  }

  test.each([
    ['an option in place of its address', 'url = --upload-pack=touch'],
    ['a program as its address', 'url = ext::sh -c touch'],
    ['an address over http', 'url = http://127.0.0.1/a.git'],
    ['shell syntax in its address', "url = ssh://git@x';touch;'/a.git"],
    ['a program as its update', 'url = https://127.0.0.1:1/a.git\n\tupdate = !touch ran'],
  ])('with %s is refused', async (_, lines) => {
    const at = await withModules(`[submodule "a"]\n\tpath = a\n\t${lines}\n`);
    expect((await refusal(fetchFrom(at))).code).toMatch(/^source-(refused|unavailable)$/);
    await expect(stat(mark())).rejects.toThrow('ENOENT');
  });

  test('with a symbolic link as its list is refused', async () => {
    const at = await repository('code', { list: '[submodule "a"]\n\tpath = a\n\turl = https://127.0.0.1:1/a.git\n' });
    await writeFile(join(folder(), 'target'), 'list');
    const link = await git(at, 'hash-object', '-w', join(folder(), 'target'));
    const head = await git(at, 'rev-parse', 'HEAD');
    await withTree(at, `160000 commit ${head}\ta\u{0}120000 blob ${link}\t.gitmodules\0`);
    expect((await refusal(fetchFrom(at))).code).toMatch(/^(source-unavailable|code-unusable)$/);
  });
});

describe('a tree', () => {
  /** Creates a repository whose tree has one file of this name, which `git add` would refuse. */
  async function withName(name: string): Promise<string> {
    const at = await repository('code', { 'train.py': 'x' });
    const blob = await git(at, 'rev-parse', 'HEAD:train.py');
    return withTree(at, `100644 blob ${blob}\t${name}\0`);
  }

  test.each(['..', '.', '.git', '.GIT', 'git~1', '.git ', '.git.', '.g\u200cit', 'a\\b', '.git::$INDEX_ALLOCATION'])(
    'with a file named %j is refused, and nothing of it is written',
    async (name) => {
      const at = await withName(name);
      expect((await refusal(fetchFrom(at))).code).toMatch(/^(source-unavailable|code-unusable)$/);
      const [into] = (await readdir(folder())).filter((entry) => entry.startsWith('fetched'));
      expect(await readdir(join(folder(), into ?? '', 'tree'))).toEqual([]);
    },
  );

  test('with ten thousand million files in a few objects is refused in bounded time and space', async () => {
    const at = await repository('code', { 'train.py': 'x' });
    let object = `100644 blob ${await git(at, 'rev-parse', 'HEAD:train.py')}`;
    for (let level = 0; level < 10; level += 1) {
      const entries = Array.from({ length: 10 }, (_, n) => `${object}\tf${n}\0`).join('');
      const tree = execFileSync('git', ['-C', at, 'mktree', '-z'], { input: entries }).toString().trim();
      object = `040000 tree ${tree}`;
    }
    await withTree(at, `${object}\troot\0`);
    expect(await refusal(fetchFrom(at))).toMatchObject({ code: 'too-large' });
  }, 60_000);

  test('that is deeper than any file system is refused', async () => {
    const at = await repository('code', { 'train.py': 'x' });
    let object = `100644 blob ${await git(at, 'rev-parse', 'HEAD:train.py')}`;
    const deepest = 200;
    for (let level = 0; level < deepest; level += 1) {
      const name = 'd'.repeat(100);
      const tree = execFileSync('git', ['-C', at, 'mktree', '-z'], { input: `${object}\t${name}\0` });
      object = `040000 tree ${tree.toString().trim()}`;
    }
    await withTree(at, `${object}\troot\0`);
    expect(await refusal(fetchFrom(at))).toMatchObject({ code: 'code-unusable' });
  }, 60_000);
});

test('a file that is small in transfer and large on disk is refused before it is written', async () => {
  const at = await repository('code', { 'train.py': 'x', 'zeros.bin': new Uint8Array(300 * 2 ** 20) });
  expect(await refusal(fetchFrom(at))).toMatchObject({ code: 'too-large' });
}, 60_000);

test('a commit with more bytes than allowed is stopped', async () => {
  const at = await repository('code', { 'train.py': 'x', 'noise.bin': randomBytes(8 * 2 ** 20) });
  const error = await refusal(fetchFrom(at, { packBytesAtMost: 2 ** 20 }));
  expect(error).toMatchObject({ code: 'too-large', fields: { what: 'disk' } });
});

test.each([
  ['memory', 'PERENNIAL_GIT_MEMORY', { memoryBytes: 12 * 2 ** 20 }],
  ['disk', 'PERENNIAL_GIT_DISK', { packBytesAtMost: 2 ** 20 }],
  ['size', 'PERENNIAL_CODE_SIZE', { codeLimits: { bytes: 2 ** 20, files: 100 } }],
  ['files', 'PERENNIAL_CODE_FILES', { codeLimits: { bytes: 2 ** 30, files: 1 } }],
])('a fetch that exceeds its %s is a final failure, and names %s', async (_what, setting, limits) => {
  const at = await repository('code', { 'train.py': 'x', 'noise.bin': randomBytes(24 * 2 ** 20) });
  expect(await refusal(fetchFrom(at, limits))).toMatchObject({
    code: 'too-large',
    retryable: false,
    message: expect.stringContaining(`raise ${setting}`),
  });
});

test('filters and hooks of the repository do not run', async () => {
  const program = `touch ${mark()}`;
  const at = await repository('code', {
    'train.py': 'x',
    '.gitattributes': '* filter=evil diff=evil merge=evil\n',
    '.gitconfig': `[filter "evil"]\n\tsmudge = ${program}\n\tprocess = ${program}\n\trequired = true\n`,
    '.lfsconfig': '[lfs]\n\turl = file:///\n',
  });
  await git(at, 'config', 'uploadpack.packObjectsHook', program);
  await commit(at, { 'hooks/post-checkout': `#!/bin/sh\n${program}\n` });
  await fetchFrom(at);
  await expect(stat(mark())).rejects.toThrow('ENOENT');
});
