import { expect, test } from 'vitest';
import { remoteSources } from '../../contracts/data/remote-source.ts';
import { coversRepository, GitSource, repositoryOf } from '../../contracts/code/git-source.ts';

const good = { url: 'https://forge.example/team/models.git', ref: 'main' };

test.each([
  { ...good },
  { ...good, url: 'ssh://git@forge.example:2222/team/models.git' },
  { ...good, url: 'git@forge.example:team/models.git' },
  { ...good, ref: 'release/1.2', path: 'models/bike' },
  { ...good, ref: 'a'.repeat(40), connection: 'forge' },
  { ...good, ref: 'refs/tags/v1.2+build', path: './models/' },
  { ...good, url: 'https://127.0.0.1:8443/a.git', path: '' },
  { ...good, url: 'https://[::1]/a.git' },
  { ...good, url: 'https://dev.azure.com/team/my%20project/_git/models' },
])('%j is an accepted source of code', (source) => {
  expect(GitSource.safeParse(source).success).toBe(true);
});

test.each([
  { ...good, url: 'http://forge.example/team/models.git' },
  { ...good, url: 'file:///srv/models.git' },
  { ...good, url: 'ext::sh -c id' },
  { ...good, url: '--upload-pack=id' },
  { ...good, url: 'https://user:password@forge.example/team/models.git' },
  { ...good, url: 'https://token@forge.example/team/models.git' },
  { ...good, ref: '--upload-pack=id' },
  { ...good, ref: 'main:refs/heads/other' },
  { ...good, ref: 'main..other' },
  { ...good, path: '../elsewhere' },
  { ...good, path: '/etc' },
  { ...good, path: 'a/.git/hooks' },
  { ...good, path: 'a/.GIT' },
  { ...good, path: 'git~1/hooks' },
  { ...good, path: '.git ./x' },
  { ...good, path: '.g\u200cit' },
  { ...good, path: '.git::$INDEX_ALLOCATION' },
  { ...good, path: '~/models' },
  { ...good, ref: '+main' },
  { ...good, ref: '+refs/*:refs/*' },
  { ...good, ref: 'refs/heads/*' },
  { ...good, ref: 'main@{1}' },
  { ...good, ref: 'main~1' },
  { ...good, ref: 'main^{commit}' },
  { ...good, ref: ':/text' },
  { ...good, ref: 'main\n--upload-pack=id' },
  { ...good, ref: 'main\n' },
  { ...good, ref: 'a//b' },
  { ...good, ref: 'a.lock' },
  { ...good, ref: 'a/.b' },
  { ...good, ref: 'main/' },
  { ...good, ref: 'a'.repeat(201) },
  { ...good, url: 'https://forge.example' },
  { ...good, url: 'https://forge.example/team/models.git?service=x' },
  { ...good, url: 'https://forge.example/team/models.git#x' },
  { ...good, url: 'https://forge.example/team/models.git\n' },
  { ...good, url: '\thttps://forge.example/team/models.git' },
  { ...good, url: 'https://forge.example\\@evil.example/a.git' },
  { ...good, url: "ssh://git@forge'$(id)'.example/a.git" },
  { ...good, url: 'ssh://git@-oProxyCommand=id/a.git' },
  { ...good, url: 'ssh://-oProxyCommand=id@forge.example/a.git' },
  { ...good, url: 'ssh://$(id)@forge.example/a.git' },
  { ...good, url: 'ssh://git:password@forge.example/a.git' },
  { ...good, url: 'ssh+ext://forge.example/a.git' },
  { ...good, url: 'fd::17/a' },
])('%j is not an accepted source of code', (source) => {
  expect(GitSource.safeParse(source).success).toBe(false);
});

test('different spellings of one repository are equal', () => {
  const spellings = [
    'https://forge.example/team/models.git',
    'https://Forge.example/team/models/',
    'git@forge.example:team/models.git',
    'ssh://git@forge.example/team/models',
  ];
  expect(new Set(spellings.map(repositoryOf))).toEqual(new Set(['forge.example/team/models']));
});

test.each([
  [undefined, 'https://anywhere.example/a.git', true],
  ['https://forge.example/team', 'https://forge.example/team/models.git', true],
  ['https://forge.example/team/models', 'https://forge.example/team/models.git', true],
  ['https://forge.example/team', 'https://forge.example/teammates/models.git', false],
  ['https://forge.example/team', 'https://evil.example/team/models.git', false],
  ['https://forge.example/team', 'ssh://git@forge.example/team/models.git', false],
])('credentials for %s are sent to %s: %s', (allowed, url, covered) => {
  expect(coversRepository(allowed, url)).toBe(covered);
});

test.each(['ftp://data.example/a.csv', 'file:///etc/passwd', 'https://user:pw@data.example/a.csv', 'rows.csv'])(
  'rows do not come from %s',
  (url) => {
    expect(remoteSources.url.safeParse({ url }).success).toBe(false);
  },
);
