import { chmod, readFile, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createGitCodeSource } from '../../../adapters/code-source/git.ts';
import { createOutboundHosts } from '../../../adapters/outbound-hosts/checked.ts';
import { gitGround, refusal } from '../../support/git-ground.ts';

const never = new AbortController().signal;
const { sandbox, folder, git, repository, commit, fetchFrom } = gitGround();

test('a branch, a tag and a commit each give the files of their commit', async () => {
  const at = await repository('code', { 'train.py': 'first' });
  const first = await git(at, 'rev-parse', 'HEAD');
  await git(at, 'tag', '--annotate', 'v1', '--message', 'v1');
  const second = await commit(at, { 'train.py': 'second' });
  for (const [ref, wanted, text] of [
    ['main', second, 'second'],
    ['v1', first, 'first'],
    [first, first, 'first'],
  ] as const) {
    const found = await fetchFrom(at, { ref });
    expect(found).toMatchObject({ commit: wanted, files: 1, submodules: [] });
    expect(await readFile(join(found.tree, 'train.py'), 'utf8')).toBe(text);
  }
});

test('only the named folder is checked out, and its programs stay executable', async () => {
  const at = await repository('code', {
    'models/bike/train.sh': 'x',
    'models/bike/deep/a.txt': 'y',
    'other/b.txt': 'z',
  });
  await chmod(join(at, 'models/bike/train.sh'), 0o755);
  await commit(at, {});
  const found = await fetchFrom(at, { path: './models/bike/' });
  expect(found.files).toBe(2);
  expect((await readdir(found.tree)).toSorted()).toEqual(['deep', 'train.sh']);
  expect((await stat(join(found.tree, 'train.sh'))).mode & 0o111).not.toBe(0);
  // Only the files remain, not the git repository.
  expect(await readdir(found.into)).toEqual(['tree']);
});

test.each([
  ['nothing', 'has no folder nothing'],
  ['train.py', 'has no folder train.py'],
])('a path that is not a folder (%s) is named', async (path, message) => {
  const at = await repository('code', { 'train.py': 'x' });
  const error = await refusal(fetchFrom(at, { path }));
  expect(error).toMatchObject({ code: 'code-unusable', message: expect.stringContaining(message) });
});

test("a missing ref fails with git's own message", async () => {
  const at = await repository('code', { 'train.py': 'x' });
  const error = await refusal(fetchFrom(at, { ref: 'gone' }));
  expect(error).toMatchObject({ code: 'source-unavailable', message: expect.stringContaining('gone') });
});

test('a pointer of Git LFS is refused by name', async () => {
  const at = await repository('code', {
    'train.py': 'x',
    'weights.bin': `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 12345\n`,
  });
  const error = await refusal(fetchFrom(at));
  expect(error).toMatchObject({ code: 'code-unusable', fields: { path: 'weights.bin' } });
});

test('a symbolic link is refused by name, and never followed', async () => {
  const at = await repository('code', { 'train.py': 'x' });
  await symlink('/etc/passwd', join(at, 'data'));
  await commit(at, {});
  const error = await refusal(fetchFrom(at));
  expect(error).toMatchObject({ code: 'code-unusable', fields: { path: 'data' } });
});

test('submodules come with their files, side by side and nested, at their pinned commits', async () => {
  const inner = await repository('inner', { 'inner.py': '1' });
  const library = await repository('library', { 'library.py': '1' });
  await git(library, 'submodule', '--quiet', 'add', '../inner', 'vendor/inner').catch(async () => {
    await git(library, 'submodule', '--quiet', 'add', `file://${inner}`, 'vendor/inner');
  });
  const pinned = await commit(library, {});
  const at = await repository('code', { 'train/train.py': 'x' });
  await git(at, 'submodule', '--quiet', 'add', `file://${library}`, 'train/library');
  await commit(at, {});
  await commit(library, { 'library.py': 'later' });
  const found = await fetchFrom(at, { path: 'train' });
  expect(found.submodules.map(({ path }) => path)).toEqual(['train/library', 'vendor/inner']);
  expect(found.submodules[0]).toMatchObject({ url: `file://${library}`, commit: pinned });
  expect(await readFile(join(found.tree, 'library/library.py'), 'utf8')).toBe('1');
  expect(await readFile(join(found.tree, 'library/vendor/inner/inner.py'), 'utf8')).toBe('1');
});

test.each(['file:///tmp/anything', 'ext::sh -c touch% /tmp/pwned', 'http://git.example/a.git', 'git://git.example/a'])(
  'by default %s is refused as a source of code',
  async (url) => {
    const source = createGitCodeSource({ sandbox, hosts: createOutboundHosts({ allowPrivate: true }) });
    const error = await refusal(source.fetch({ url, ref: 'main', path: '', connection: null }, folder(), never));
    expect(error.code).toBe('source-refused');
  },
);

test('a submodule over another transport is refused though the repository itself is not', async () => {
  const at = await repository('code', { 'train.py': 'x' });
  await writeFile(join(at, '.gitmodules'), '[submodule "a"]\n\tpath = a\n\turl = ext::sh -c "touch /tmp/pwned"\n');
  const head = await git(at, 'rev-parse', 'HEAD');
  await git(at, 'update-index', '--add', '--cacheinfo', `160000,${head},a`);
  await git(at, 'add', '.gitmodules');
  await git(at, 'commit', '--quiet', '--message', 'module');
  const error = await refusal(fetchFrom(at));
  expect(error.code).toBe('source-refused');
});

test('a private address is refused over https', async () => {
  const source = createGitCodeSource({ sandbox, hosts: createOutboundHosts({ allowPrivate: false }) });
  const error = await refusal(
    source.fetch({ url: 'https://127.0.0.1/a.git', ref: 'main', path: '', connection: null }, folder(), never),
  );
  expect(error.code).toBe('source-refused');
});

test('over ssh nothing is tried without a key that belongs to the repository', async () => {
  const source = createGitCodeSource({ sandbox, hosts: createOutboundHosts({ allowPrivate: true }) });
  const connection = {
    kind: 'git' as const,
    url: 'ssh://git@git.example/team/',
    sshKey: 'key',
    knownHosts: 'git.example ssh-ed25519 AAAA',
  };
  for (const given of [null, connection]) {
    const error = await refusal(
      source.fetch({ url: 'git@other.example:team/a.git', ref: 'main', path: '', connection: given }, folder(), never),
    );
    expect(error).toMatchObject({ code: 'source-refused', message: expect.stringContaining('sshKey') });
  }
});

test('hooks and filters of a repository do not run', async () => {
  const mark = join(folder(), 'ran');
  const at = await repository('code', {
    'train.py': 'x',
    '.gitattributes': '* filter=evil\n',
    '.gitconfig': `[filter "evil"]\n\tsmudge = touch ${mark}\n`,
    'hooks/post-checkout': `#!/bin/sh\ntouch ${mark}\n`,
  });
  await chmod(join(at, 'hooks/post-checkout'), 0o755);
  await commit(at, {});
  await fetchFrom(at);
  await expect(stat(mark)).rejects.toThrow('ENOENT');
});
