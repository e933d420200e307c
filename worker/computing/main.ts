// The main module of a computing process. Its arguments are the worker's process id and the folder for working files.
import { join } from 'node:path';
import { createComputations } from '../../activities/computations.ts';
import { createLogger } from '../../adapters/logger/pino.ts';
import { readTemporalTls } from '../../adapters/workflow-client/temporal-tls.ts';
import { parseSettings, Settings } from '../../contracts/settings/settings.ts';
import { buildDependencies } from '../worker-dependencies.ts';
import { serveComputations } from './serve-computations.ts';

async function make() {
  const settings = parseSettings(Settings, process.env);
  const logger = createLogger({ name: 'worker', level: settings.PERENNIAL_LOG_LEVEL });
  const [, scratchFolder = ''] = process.argv.slice(2);
  const own = { scratchFolder, workFolder: join(scratchFolder, 'work'), computes: true };
  return createComputations(await buildDependencies(settings, await readTemporalTls(settings), logger, own));
}

serveComputations(make());
