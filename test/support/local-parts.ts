import { join } from 'node:path';
import { createTarCodeArchive } from '../../adapters/code-archive/tar.ts';
import { createEnvironments } from '../../adapters/environments/environments.ts';
import type { ToolVariables } from '../../adapters/environments/tool-environment.ts';
import type { Sandbox } from '../../adapters/sandbox/sandbox.ts';
import type { LocalTrainerSettings } from '../../adapters/trainers/local/local-trainer.ts';
import type { ObjectStore } from '../../ports/object-store.ts';

/** Returns the parts of a local trainer, with a folder of its own. `environment` is the worker's environment. */
export function localParts(
  folder: string,
  objectStore: ObjectStore,
  sandbox: Sandbox,
  environment: ToolVariables = process.env,
): LocalTrainerSettings {
  return {
    path: environment.PATH,
    sandbox,
    objectStore,
    codeArchive: createTarCodeArchive(),
    environments: createEnvironments({
      cacheFolder: join(folder, 'cache'),
      workFolder: join(folder, 'work'),
      environment,
      sandbox,
    }),
    scratchFolder: join(folder, 'scratch'),
  };
}
