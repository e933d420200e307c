import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLogger } from '../../adapters/logger/pino.ts';
import { ownScratch } from '../../adapters/scratch/own-scratch.ts';
import { identityOf } from '../../stack/processes/process-identity.ts';

const program = fileURLToPath(new URL('../support/killed-maker.ts', import.meta.url));
const logger = createLogger({ name: 'test', level: 'silent' });

let folder: string;
let index: Server;
let asked: Promise<unknown>;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perennial-killed-'));
  index = createServer(() => undefined).listen(0, '127.0.0.1');
  asked = once(index, 'request');
  await once(index, 'listening');
});
afterEach(async () => {
  index.closeAllConnections();
  index.close();
  await rm(folder, { recursive: true, force: true });
});

/** Starts a process that stops in the middle of an installation, with a home and a cache of its own. */
async function startMaker() {
  const [home, cache, temporary] = ['home', 'cache', 'tmp'].map((name) => join(folder, name));
  const lock = join(folder, 'requirements.txt');
  await writeFile(lock, `greeting==1.0 --hash=sha256:${'0'.repeat(64)}\n`);
  await mkdir(temporary!, { recursive: true });
  const address = index.address();
  const indexUrl = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/simple`;
  const maker = spawn(process.execPath, [program, home!, cache!, lock, indexUrl], {
    env: { ...process.env, TMPDIR: temporary },
    stdio: 'inherit',
  });
  return { maker, home: home!, cache: cache!, temporary: temporary! };
}

async function namesBelow(path: string): Promise<string[]> {
  return (await readdir(path, { recursive: true })).filter((name) => /door|making|environment/.test(name));
}

test('the next start removes the unfinished files of a killed worker, and none of a live one', async () => {
  const { maker, home, cache, temporary } = await startMaker();
  try {
    await asked;
    // A second process that starts while the first one runs leaves its folders alone.
    const beside = [
      await ownScratch(home, 'worker', identityOf, logger),
      await ownScratch(cache, 'worker', identityOf, logger),
    ];
    expect(await namesBelow(join(home, 'scratch'))).toContainEqual(expect.stringMatching(/door-\w+\/door$/));
    expect(await namesBelow(join(cache, 'scratch'))).toContainEqual(expect.stringMatching(/making-\w+\/made$/));
    const ended = once(maker, 'exit');
    maker.kill('SIGKILL');
    await ended;
    const own = [
      await ownScratch(home, 'worker', identityOf, logger),
      await ownScratch(cache, 'worker', identityOf, logger),
    ];
    for (const [at, place] of [home, cache].entries())
      expect((await readdir(join(place, 'scratch'))).toSorted()).toEqual(
        [basename(beside[at]!), basename(own[at]!)].toSorted(),
      );
    expect(await readdir(join(cache, 'environments'))).toEqual([]);
    expect(await readdir(temporary)).toEqual([]);
  } finally {
    maker.kill('SIGKILL');
  }
});
