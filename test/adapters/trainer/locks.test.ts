import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commandWords } from '../../../adapters/trainer/launch.ts';
import { createProcessTrainer } from '../../../adapters/trainer/process.ts';
import { uvSettings } from '../../../adapters/trainer/python-environments.ts';
import { lockOfReport } from '../../../adapters/trainer/resolve-lock.ts';
import type { Trainer } from '../../../ports/trainer.ts';
import { failureOf, layGround } from './training-ground.ts';
import type { Ground } from './training-ground.ts';

const signal = new AbortController().signal;
const quiet = () => undefined;

describe('what pip reports becomes a lock', () => {
  const archive = { archive_info: { hashes: { sha256: 'a'.repeat(64) } } };
  const report = (install: unknown) => JSON.stringify({ version: '1', install });

  test('one line a package, sorted, with the options that say where packages come from', () => {
    const text = lockOfReport(
      report([
        { metadata: { name: 'Zope.Interface', version: '2' }, download_info: archive },
        { metadata: { name: 'attrs', version: '1.0' }, download_info: archive },
      ]),
      '--index-url https://packages.example/simple\nzope.interface>1\n',
      'CPython 3.12.1',
    );
    const hash = `--hash=sha256:${'a'.repeat(64)}`;
    expect(text.split('\n').slice(1)).toEqual([
      '--index-url https://packages.example/simple',
      `attrs==1.0 ${hash}`,
      `zope-interface==2 ${hash}`,
      '',
    ]);
    expect(text).toMatch(/^# resolved for CPython 3\.12\.1 on /);
  });

  test('what comes from no archive is refused by name', () => {
    const install = [{ metadata: { name: 'mine', version: '1' }, download_info: {} }];
    expect(() => lockOfReport(report(install), 'mine', 'CPython 3.12.1')).toThrow(/mine 1 comes from no archive/);
  });
});

test('uv looks for packages where pip would', () => {
  expect(uvSettings({ PATH: '/bin', PIP_INDEX_URL: 'https://packages.example/simple', PIP_NO_INDEX: '1' })).toEqual({
    UV_DEFAULT_INDEX: 'https://packages.example/simple',
    UV_NO_INDEX: '1',
  });
});

test('the word notebook before a notebook is the runner, and anything else is a program', () => {
  const given = [{ variable: 'V', name: 'run-notebook.py', path: '/perennial/run-notebook.py' }];
  expect(commandWords(['notebook', 'train.ipynb'], given)).toEqual([
    'python3',
    '/perennial/run-notebook.py',
    'train.ipynb',
  ]);
  expect(commandWords(['notebook', '--help'], given)).toEqual(['notebook', '--help']);
});

describe('a package-lock.json', () => {
  let ground: Ground;
  let server: Server;
  let trainer: Trainer;
  let folder: string;
  let integrity: string;
  let address: string;

  beforeAll(async () => {
    ground = await layGround('bubblewrap');
    folder = await mkdtemp(join(tmpdir(), 'perennial-npm-'));
    await mkdir(join(folder, 'package'));
    await writeFile(join(folder, 'package/package.json'), '{"name":"greet","version":"1.0.0","main":"index.js"}');
    await writeFile(join(folder, 'package/index.js'), 'module.exports = () => "hello from the package";');
    execFileSync('tar', ['-czf', join(folder, 'greet.tgz'), '-C', folder, 'package']);
    const bytes = await readFile(join(folder, 'greet.tgz'));
    integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
    server = createServer((_request, response) => response.end(bytes)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const listening = server.address();
    if (listening === null || typeof listening === 'string') throw new Error('no port');
    address = `http://127.0.0.1:${listening.port}`;
    const environment = { ...process.env, npm_config_cache: join(folder, 'npm') };
    trainer = createProcessTrainer({ cacheFolder: join(folder, 'cache'), environment });
  });
  afterAll(async () => {
    server.close();
    await ground.remove();
    await rm(folder, { recursive: true, force: true });
  });

  async function lockPath(entry: Record<string, unknown>): Promise<string> {
    const at = await mkdtemp(join(folder, 'code-'));
    const root = { name: 'code', version: '1.0.0', dependencies: { greet: '1.0.0' } };
    await writeFile(join(at, 'package.json'), JSON.stringify(root));
    const packages = {
      '': root,
      'node_modules/greet': { version: '1.0.0', resolved: `${address}/greet.tgz`, ...entry },
    };
    const lock = { ...root, lockfileVersion: 3, requires: true, packages };
    await writeFile(join(at, 'package-lock.json'), JSON.stringify(lock));
    return join(at, 'package-lock.json');
  }

  test('is installed once, and a script finds its packages', async () => {
    const path = await lockPath({ integrity });
    const environment = await trainer.materialise(path, null, quiet, signal);
    expect(environment.interpreter).toMatch(/^Node \d+/);
    expect(await trainer.materialise(path, null, quiet, signal)).toEqual(environment);
    const script = `import greet from 'greet';\nimport { writeFileSync } from 'node:fs';\nwriteFileSync(process.env.PERENNIAL_OUTPUT + '/model.onnx', greet());\n`;
    const job = await ground.job({ 'train.mjs': script }, { command: ['node', 'train.mjs'], environment });
    const { modelPath } = await trainer.train(job);
    expect(await readFile(modelPath, 'utf8')).toBe('hello from the package');
    expect(await trainer.resolveLock(path, quiet, signal)).toBeNull();
  });

  test('without a hash of a package, or with one that needs a script, is refused by name', async () => {
    const unchecked = await failureOf(trainer.materialise(await lockPath({}), null, quiet, signal));
    expect(unchecked.message).toMatch(/greet .*has no integrity/);
    const scripted = await lockPath({ integrity, hasInstallScript: true });
    const failure = await failureOf(trainer.materialise(scripted, null, quiet, signal));
    expect(failure.message).toMatch(/greet needs an install script/);
  });
});
