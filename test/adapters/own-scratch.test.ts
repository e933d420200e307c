import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { createLogger } from '../../adapters/logger/pino.ts';
import { ownScratch } from '../../adapters/scratch/own-scratch.ts';
import { identityOf } from '../../stack/processes/process-identity.ts';

test('a starting API or worker removes the working folders of killed processes', async () => {
  const home = await mkdtemp(join(tmpdir(), 'perennial-scratch-'));
  try {
    const claim = async (name: string, identity: string) => {
      await mkdir(join(home, 'scratch', name), { recursive: true });
      const owner = JSON.stringify({ pid: process.pid, identity, host: hostname() });
      await writeFile(join(home, 'scratch', name, 'owner.json'), owner);
    };
    await claim('worker-killed', 'of a process that had this number before');
    await claim('api-living', identityOf(process.pid) ?? '');
    const own = await ownScratch(home, 'api', identityOf, createLogger({ name: 'test', level: 'silent' }));
    expect((await readdir(join(home, 'scratch'))).toSorted()).toEqual(['api-living', basename(own)].toSorted());
  } finally {
    await rm(home, { recursive: true });
  }
});
