import { publicIndexUrl } from '../../../contracts/code/public-registries.ts';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { npmAuthorization, registryAddress } from '../../../adapters/environments/indexes/npm-registry.ts';
import { readNpmSources } from '../../../adapters/environments/indexes/npm-sources.ts';
import { readPipSources } from '../../../adapters/environments/indexes/pip-sources.ts';
import { isFileOf, parseSimplePage } from '../../../adapters/environments/indexes/simple-page.ts';
import { parseSettings, PackageSettings, pipIndexesOf } from '../../../contracts/settings/settings.ts';

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'perennial-sources-'));
  await mkdir(join(home, '.config/pip'), { recursive: true });
});
afterAll(() => rm(home, { recursive: true, force: true }));

const nothing = { indexUrl: undefined, extraIndexUrls: [] };

test('without settings packages come from the sources of the worker’s own pip', async () => {
  const configuration = `
# the company's
[global]
index-url = https://user:p%40ss@packages.example/simple
extra-index-url =
    https://a.example/simple
    https://b.example/simple
timeout = 7
[install]
find-links = /wheels
trusted-host = packages.example
`;
  await writeFile(join(home, '.config/pip/pip.conf'), configuration);
  const found = await readPipSources(
    { HOME: home, XDG_CONFIG_DIRS: home, PIP_FIND_LINKS: '/other /more' },
    nothing,
    [],
  );
  expect(found.indexes.slice(0, 3)).toEqual([
    'https://user:p%40ss@packages.example/simple',
    'https://a.example/simple',
    'https://b.example/simple',
  ]);
  expect(found.findLinks).toEqual(['/other', '/more']);
  expect(found.reach).toMatchObject({ trustedHosts: ['packages.example'], idleMs: 7000 });
  const none = await readPipSources({ HOME: home, PIP_CONFIG_FILE: '/dev/null' }, nothing, []);
  expect(none.indexes).toEqual([publicIndexUrl]);
  const offline = await readPipSources({ HOME: home, PIP_NO_INDEX: '1', PIP_FIND_LINKS: '/wheels' }, nothing, []);
  expect(offline).toMatchObject({ indexes: [], findLinks: ['/wheels'] });
});

test("the administrator's settings replace pip’s indexes and folders", async () => {
  const set = pipIndexesOf(
    parseSettings(PackageSettings, {
      PERENNIAL_PIP_INDEX_URL: 'https://set.example/simple',
      PERENNIAL_PIP_EXTRA_INDEX_URLS: 'https://c.example/simple  https://d.example/simple',
    }),
  );
  const found = await readPipSources({ HOME: home, PIP_NO_INDEX: '1', PIP_FIND_LINKS: '/wheels' }, set, []);
  expect(found).toMatchObject({
    indexes: ['https://set.example/simple', 'https://c.example/simple', 'https://d.example/simple'],
    findLinks: [],
  });
  expect(() => parseSettings(PackageSettings, { PERENNIAL_PIP_INDEX_URL: 'file:///etc' })).toThrow(
    /PERENNIAL_PIP_INDEX_URL/,
  );
});

test('npm packages come from the registries of the worker’s npm, with its credentials', async () => {
  await writeFile(
    join(home, '.npmrc'),
    [
      'registry=https://npm.example/all',
      '@team:registry = "https://team.example/npm/"',
      '//npm.example/all/:_authToken=${TOKEN}',
      '//team.example/:username=me',
      `//team.example/:_password=${Buffer.from('hunter2').toString('base64')}`,
    ].join('\n'),
  );
  const sources = await readNpmSources({ HOME: home, TOKEN: 'a-token', npm_config_globalconfig: '/nowhere' }, '/usr');
  const plain = registryAddress('left-pad', sources);
  expect(plain.url.href).toBe('https://npm.example/all/left-pad');
  expect(npmAuthorization(plain.url, sources)).toBe('Bearer a-token');
  const scoped = registryAddress('@team/model', sources);
  expect(scoped.url.href).toBe('https://team.example/npm/@team%2fmodel');
  expect(npmAuthorization(scoped.url, sources)).toBe(`Basic ${Buffer.from('me:hunter2').toString('base64')}`);
  expect(npmAuthorization(new URL('https://elsewhere.example/left-pad'), sources)).toBeUndefined();
});

test('index pages are read as HTML and as JSON', () => {
  const page = new URL('https://packages.example/simple/a-b/');
  const hash = 'a'.repeat(64);
  const html = `<!DOCTYPE html><head><base href="https://files.example/x/"></head>
    <a href='../a_b-1.0-py3-none-any.whl#sha256=${hash}' data-requires-python="&gt;=3.10" data-core-metadata="sha256=${hash}">a</a>
    <A class=x HREF="https://files.example/a_b-1.0%2Bcpu.tar.gz" data-yanked>b</A>
    <a href="https://files.example/">no file</a><a name="x">no link</a><a href="a%2fb.whl">a path</a>`;
  expect(parseSimplePage(html, 'text/html', page).map((file) => ({ ...file, url: file.url.href }))).toEqual([
    {
      filename: 'a_b-1.0-py3-none-any.whl',
      url: 'https://files.example/a_b-1.0-py3-none-any.whl',
      sha256: hash,
      requiresPython: '>=3.10',
      yanked: null,
      metadata: `sha256=${hash}`,
    },
    {
      filename: 'a_b-1.0+cpu.tar.gz',
      url: 'https://files.example/a_b-1.0%2Bcpu.tar.gz',
      sha256: null,
      requiresPython: null,
      yanked: '',
      metadata: null,
    },
  ]);
  const files = [
    { filename: 'x', url: '/f/a_b-2.0.zip', hashes: { sha256: hash }, yanked: 'broken', 'core-metadata': true },
  ];
  const json = parseSimplePage(JSON.stringify({ files }), 'application/vnd.pypi.simple.v1+json', page);
  expect(json.map(({ url, ...file }) => [url.href, file.filename, file.yanked, file.metadata])).toEqual([
    ['https://packages.example/f/a_b-2.0.zip', 'a_b-2.0.zip', 'broken', 'true'],
  ]);
});

test.each([
  ['scikit_learn-1.5.2-cp311-cp311-manylinux_2_17_x86_64.whl', 'scikit-learn', true],
  ['scikit-learn-1.5.2.tar.gz', 'scikit-learn', true],
  ['scikit-learn-1.5.2.tar.gz', 'scikit', false],
  ['py-2-1.0.zip', 'py-2', true],
  ['notes.txt', 'notes', false],
])('%s is a file of %s: %s', (filename, name, is) => {
  expect(isFileOf(filename, name)).toBe(is);
});
