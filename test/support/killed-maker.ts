// Makes an environment from a package index that never answers, and prints when it has begun, so that the test can kill
// it. Arguments: home, cache, the lock file, and the address of the index.
import { createEnvironments } from '../../adapters/environments/environments.ts';
import { createLogger } from '../../adapters/logger/pino.ts';
import { createSandbox } from '../../adapters/sandbox/create-sandbox.ts';
import { ownScratch } from '../../adapters/scratch/own-scratch.ts';
import { identityOf } from '../../stack/processes/process-identity.ts';

const [home = '', cacheFolder = '', lock = '', indexUrl = ''] = process.argv.slice(2);
const logger = createLogger({ name: 'test', level: 'silent' });
const scratchFolder = await ownScratch(home, 'worker', identityOf, logger);
const workFolder = await ownScratch(cacheFolder, 'worker', identityOf, logger);
const path = process.env.PATH ?? '';
const sandbox = createSandbox({ mode: 'required', path, allow: [], folder: `${home}/sandbox`, scratchFolder });
const environments = createEnvironments({
  cacheFolder,
  workFolder,
  environment: process.env,
  sandbox,
  pip: { indexUrl, extraIndexUrls: [] },
});
await environments.materialise(lock, null, {
  allowBuilds: false,
  onLog: () => undefined,
  signal: new AbortController().signal,
});
