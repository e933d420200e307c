import { expect, test } from 'vitest';
import { UrlSource } from '../../contracts/data-source.ts';
import { coversRepository, GitSource, repositoryOf } from '../../contracts/git-source.ts';

const good = { url: 'https://forge.example/team/models.git', ref: 'main' };

test.each([
  { ...good },
  { ...good, url: 'ssh://git@forge.example:2222/team/models.git' },
  { ...good, url: 'git@forge.example:team/models.git' },
  { ...good, ref: 'release/1.2', path: 'models/bike' },
  { ...good, ref: 'a'.repeat(40), connection: 'forge' },
])('%j is where code may come from', (source) => {
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
])('%j is not', (source) => {
  expect(GitSource.safeParse(source).success).toBe(false);
});

test('spellings of one repository are one', () => {
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
])('credentials for %s are shown to %s: %s', (allowed, url, covered) => {
  expect(coversRepository(allowed, url)).toBe(covered);
});

test.each(['ftp://data.example/a.csv', 'file:///etc/passwd', 'https://user:pw@data.example/a.csv', 'rows.csv'])(
  'rows do not come from %s',
  (url) => {
    expect(UrlSource.safeParse({ url }).success).toBe(false);
  },
);
