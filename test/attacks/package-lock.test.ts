import { publicNpmRegistry } from '../../contracts/code/public-registries.ts';
import { access } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TestIndex } from '../support/stand-in-package-index.ts';
import { integrityOf, startPackageIndex, tarball } from '../support/stand-in-package-index.ts';
import type { InstallingGround } from './installing-ground.ts';
import { layInstallingGround, refusalOf, secret } from './installing-ground.ts';

// Attacks through package-lock.json and the files beside it, which npm would act on.

let ground: InstallingGround;
let index: TestIndex;
let attackers: TestIndex;
let integrity: string;

beforeAll(async () => {
  ground = await layInstallingGround({});
  const escape = `require('node:fs').writeFileSync(${JSON.stringify(ground.marker)}, process.env.SECRET ?? 'ran')`;
  const greet = await tarball('greet-1.0.0.tgz', {
    'package/package.json': JSON.stringify({
      name: 'greet',
      version: '1.0.0',
      scripts: {
        preinstall: `node -e "${escape}"`,
        install: `node -e "${escape}"`,
        postinstall: `node -e "${escape}"`,
      },
    }),
    'package/index.js': 'module.exports = "hello";',
    // npm builds a package that has this file, unless scripts are off.
    'package/binding.gyp': '{}',
  });
  integrity = integrityOf(greet.bytes);
  index = await startPackageIndex([greet], { credentials: 'worker:hunter2' });
  attackers = await startPackageIndex([greet]);
  await ground.remove();
  const registry = new URL(index.registry);
  ground = await layInstallingGround(
    {},
    {
      environment: {
        npm_config_registry: index.registry,
        [`npm_config_//${registry.host}/:_auth`]: Buffer.from('worker:hunter2').toString('base64'),
      },
    },
  );
});
afterAll(async () => {
  index.close();
  attackers.close();
  await ground.remove();
});

interface Parts {
  readonly entry?: Readonly<Record<string, unknown>>;
  readonly path?: string;
  readonly wanted?: string;
  readonly manifest?: Readonly<Record<string, unknown>>;
  readonly beside?: Readonly<Record<string, string>>;
}

function install({ entry = {}, path = 'node_modules/greet', wanted = '1.0.0', manifest = {}, beside = {} }: Parts) {
  const root = { name: 'code', version: '1.0.0', dependencies: { greet: wanted } };
  const packages = { '': root, [path]: { version: '1.0.0', integrity, ...entry } };
  return ground.materialise(
    {
      'package.json': JSON.stringify({ ...root, ...manifest }),
      'package-lock.json': JSON.stringify({ ...root, lockfileVersion: 3, requires: true, packages }),
      ...beside,
    },
    'package-lock.json',
  );
}

test.each<[string, Parts, RegExp]>([
  [
    'from git',
    { entry: { resolved: 'git+ssh://git@example.org/x.git#abc' } },
    /comes from git\+ssh.*not a package registry/,
  ],
  ['from a file', { entry: { resolved: 'file:../../etc' } }, /comes from file:.*not a package registry/],
  [
    'from another host',
    { entry: { resolved: 'https://evil.example/greet.tgz' } },
    /comes from https:\/\/evil\.example/,
  ],
  [
    'from a host that begins like the registry',
    { entry: { resolved: `${publicNpmRegistry.slice(0, -1)}.evil.example/greet.tgz` } },
    /comes from https:\/\/registry\.npmjs\.org\.evil/,
  ],
  ['a link', { entry: { resolved: '..', link: true } }, /is a link to a folder/],
  ['a path outside node_modules', { path: '../../outside' }, /lies outside node_modules/],
  ['a path with ..', { path: 'node_modules/../../outside' }, /lies outside node_modules/],
  ['without integrity', { entry: { integrity: undefined } }, /has no integrity/],
  ['with a weak integrity', { entry: { integrity: `sha1-${'A'.repeat(27)}=` } }, /has no integrity hash of sha256/],
  ['with an install script', { entry: { hasInstallScript: true } }, /needs an install script/],
  ['an alias for a path', { entry: { name: '../../x' } }, /is an alias for/],
  ['a git dependency', { wanted: 'git+https://example.org/x.git' }, /not a version in a package registry/],
  ['a GitHub shorthand', { wanted: 'someone/x' }, /not a version in a package registry/],
  ['a folder', { wanted: 'file:../x' }, /not a version in a package registry/],
  [
    'an override',
    { manifest: { overrides: { a: { b: 'https://evil.example/b.tgz' } } } },
    /b in package\.json is https:\/\/evil/,
  ],
])('a locked package that is %s is refused by name, and no environment is made', async (_, parts, why) => {
  const refusal = await refusalOf(install(parts));
  expect(refusal.code).toBe('environment-failed');
  expect(refusal.message).toMatch(why);
  expect(await ground.made()).toEqual([]);
});

test('scripts of packages and of the code do not run, and .npmrc beside the lock is not read', async () => {
  const escape = `node -e "require('node:fs').writeFileSync('${ground.marker}', 'ran')"`;
  const made = await install({
    manifest: { scripts: { preinstall: escape, prepare: escape, install: escape }, workspaces: ['packages/*'] },
    beside: {
      '.npmrc': [
        `registry=${attackers.registry}`,
        'ignore-scripts=false',
        `script-shell=${ground.folder}/shell`,
        'node-options=--require ./escape.cjs',
        'cafile=/etc/shadow',
        `//\${SECRET}.example/:_authToken=\${SECRET}`,
      ].join('\n'),
      'escape.cjs': `require('node:fs').writeFileSync(${JSON.stringify(ground.marker)}, 'ran')`,
    },
  });
  await access(`${made.modulesFolder}/greet/index.js`);
  expect(await ground.hasEscaped()).toBe(false);
  expect(attackers.requests).toEqual([]);
  const said = `${ground.lines.join('\n')}${index.requests.join('\n')}`;
  expect(said).not.toContain(secret);
  expect(said).not.toContain('hunter2');
});

test('a package with other bytes than those in the lock is not installed', async () => {
  const before = await ground.made();
  const refusal = await refusalOf(install({ entry: { integrity: `sha512-${'A'.repeat(86)}==` } }));
  expect(refusal.message).toMatch(/npm ci ended with code/);
  expect(await ground.made()).toEqual(before);
});
