import { cancellationSignal } from '@temporalio/activity';
import { JobCode } from '../../../contracts/models/training-job.ts';
import type { Activities } from '../../../contracts/pipelines/steps.ts';
import type { StoringDependencies } from '../../activity-dependencies.ts';
import { RunLog } from '../../steps/run-log.ts';
import { buildInputs } from './build-inputs.ts';

/**
 * Has the trainer build the environment from the lock of the code. Its interpreter and platform are part of the
 * training key.
 */
export function createMaterialiseEnvironment(deps: StoringDependencies): Activities['materialiseEnvironment'] {
  return async (input) => {
    const { code } = await buildInputs(deps, input);
    const log = new RunLog(deps, input.runId);
    try {
      return await deps.trainer.environment(
        { schemaVersion: 1, code: JobCode.parse(code.manifest) },
        { onLog: log.line, signal: cancellationSignal() },
      );
    } finally {
      await log.close();
    }
  };
}
