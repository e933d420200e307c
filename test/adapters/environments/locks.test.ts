import { publicNpmRegistry } from '../../../contracts/code/public-registries.ts';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lockOfReport } from '../../../adapters/environments/resolve-lock.ts';
import { sha256OfBytes } from '../../../contracts/digest.ts';
import { parseRequirements } from '../../../contracts/code/requirements.ts';
import type { EnvironmentCall, Environments } from '../../../ports/environments.ts';
import type { TestIndex } from '../../support/stand-in-package-index.ts';
import { integrityOf, startPackageIndex, tarball } from '../../support/stand-in-package-index.ts';
import type { TrainingGround } from '../trainers/training-ground.ts';
import { failureOf, layTrainingGround } from '../trainers/training-ground.ts';

const call: EnvironmentCall = { allowBuilds: false, onLog: () => undefined, signal: new AbortController().signal };

describe("a lock from pip's report", () => {
  const archive = { archive_info: { hashes: { sha256: 'a'.repeat(64) } } };
  const report = (install: unknown) => JSON.stringify({ version: '1', install });
  const asked = parseRequirements('zope.interface>1\n', 'requirements.txt');

  test('has one sorted line per package', () => {
    const text = lockOfReport(
      report([
        { metadata: { name: 'Zope.Interface', version: '2' }, download_info: archive },
        { metadata: { name: 'attrs', version: '1.0' }, download_info: archive },
      ]),
      asked,
      'CPython 3.12.1',
    );
    const hash = `--hash=sha256:${'a'.repeat(64)}`;
    expect(text.split('\n').slice(1)).toEqual([`attrs==1.0 ${hash}`, `zope-interface==2 ${hash}`, '']);
    expect(text).toMatch(/^# resolved for CPython 3\.12\.1 on /);
  });

  test('reads the hash where pip before 23.1 reports it, such as in Debian 12', () => {
    const download_info = { archive_info: { hash: `sha256=${'b'.repeat(64)}` } };
    const text = lockOfReport(
      report([{ metadata: { name: 'attrs', version: '1.0' }, download_info }]),
      asked,
      'CPython',
    );
    expect(text).toContain(`attrs==1.0 --hash=sha256:${'b'.repeat(64)}`);
    const other = { archive_info: { hash: `md5=${'b'.repeat(32)}` } };
    expect(() =>
      lockOfReport(report([{ metadata: { name: 'a', version: '1' }, download_info: other }]), asked, 'CPython'),
    ).toThrow(/does not come from an archive/);
  });

  test('refuses by name a package that comes from no archive', () => {
    const install = [{ metadata: { name: 'mine', version: '1' }, download_info: {} }];
    expect(() => lockOfReport(report(install), asked, 'CPython 3.12.1')).toThrow(
      /mine 1 does not come from an archive/,
    );
  });

  test('has no extra line from a malformed package name or version', () => {
    for (const metadata of [
      { name: 'a\n-r b', version: '1' },
      { name: 'a', version: '1\nb==2' },
    ])
      expect(() => lockOfReport(report([{ metadata, download_info: archive }]), asked, 'CPython 3.12.1')).toThrow(
        /does not come from an archive/,
      );
  });
});

describe('a package-lock.json', () => {
  let ground: TrainingGround;
  let index: TestIndex;
  let environments: Environments;
  let folder: string;
  let integrity: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'perennial-npm-'));
    const greet = await tarball('greet-1.0.0.tgz', {
      'package/package.json': '{"name":"greet","version":"1.0.0","main":"index.js"}',
      'package/index.js': 'module.exports = () => "hello from the package";',
    });
    integrity = integrityOf(greet.bytes);
    index = await startPackageIndex([greet]);
    ground = await layTrainingGround('bubblewrap', { ...process.env, npm_config_registry: index.registry });
    ({ environments } = ground);
  });
  afterAll(async () => {
    index.close();
    await ground.remove();
    await rm(folder, { recursive: true, force: true });
  });

  const root = { name: 'code', version: '1.0.0', dependencies: { greet: '1.0.0' } };
  const packageJson = JSON.stringify(root);

  async function lockPath(entry: Record<string, unknown>): Promise<string> {
    const at = await mkdtemp(join(folder, 'code-'));
    await writeFile(join(at, 'package.json'), packageJson);
    const resolved = `${publicNpmRegistry}greet/-/greet-1.0.0.tgz`;
    const packages = { '': root, 'node_modules/greet': { version: '1.0.0', resolved, ...entry } };
    const lock = { ...root, lockfileVersion: 3, requires: true, packages };
    await writeFile(join(at, 'package-lock.json'), JSON.stringify(lock));
    return join(at, 'package-lock.json');
  }

  test('is installed once, and a script finds its packages', async () => {
    const path = await lockPath({ integrity });
    const environment = await environments.materialise(path, null, call);
    expect(environment.interpreter).toMatch(/^Node \d+/);
    expect(await environments.materialise(path, null, call)).toEqual(environment);
    const script = `import greet from 'greet';\nimport { writeFileSync } from 'node:fs';\nwriteFileSync(process.env.PERENNIAL_OUTPUT + '/model.onnx', greet());\n`;
    const lock = await readFile(path, 'utf8');
    const files = { 'train.mjs': script, 'package.json': packageJson, 'package-lock.json': lock };
    const job = await ground.job(files, { command: ['node', 'train.mjs'] });
    const code = { ...job.code, environment: { path: 'package-lock.json', lock: sha256OfBytes(lock) } };
    const { artifact } = await ground.train({ ...job, code });
    expect(await ground.text(artifact.sha256)).toBe('hello from the package');
    expect(await environments.resolveLock(path, call)).toBeNull();
  });

  test('with a package without a hash, or one that needs a script, is refused by name', async () => {
    const unchecked = await failureOf(environments.materialise(await lockPath({}), null, call));
    expect(unchecked.message).toMatch(/greet .*has no integrity/);
    const scripted = await lockPath({ integrity, hasInstallScript: true });
    const failure = await failureOf(environments.materialise(scripted, null, call));
    expect(failure.message).toMatch(/greet needs an install script/);
  });
});
