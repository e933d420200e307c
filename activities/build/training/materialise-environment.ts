import { cancellationSignal } from '@temporalio/activity';
import type { TrainActivities } from '../../activity-types.ts';
import type { ActivityDependencies } from '../../activity-dependencies.ts';
import { withWorkspace } from '../../steps/workspace.ts';
import { buildInputs } from './build-inputs.ts';
import { unpackCode } from '../../steps/unpack-code.ts';
import { RunLog } from '../../steps/run-log.ts';

/** Makes the environment of the code's lock on this worker, once a lock; the interpreter and platform are part of the training key. */
export function createMaterialiseEnvironment(deps: ActivityDependencies): TrainActivities['materialiseEnvironment'] {
  return async (input) => {
    const { code } = await buildInputs(deps, input);
    const log = new RunLog(deps, input.runId);
    try {
      return await withWorkspace(deps.scratchFolder, 'environment', async (folder) => {
        const { lockPath } = await unpackCode(deps, code, folder);
        const { environment, allowBuilds = false } = code.manifest;
        const made = await deps.environments.materialise(lockPath, environment?.lock ?? null, {
          allowBuilds,
          onLog: log.line,
          signal: cancellationSignal(),
        });
        return { interpreter: made.interpreter, platform: made.platform };
      });
    } finally {
      await log.close();
    }
  };
}
