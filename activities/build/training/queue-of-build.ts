import type { ConfigurationVersion } from '../../../contracts/models/model.ts';
import type { Activities } from '../../../contracts/pipelines/steps.ts';
import type { RunInput } from '../../../contracts/pipelines/step.ts';
import type { ActivityDependencies } from '../../activity-dependencies.ts';
import { configurationOfRun } from './build-inputs.ts';
import { candidacyOf } from '../../measurement/standing-evaluation.ts';

const usual = 'train';

type Parts = Pick<ActivityDependencies, 'repositories'>;

/** Returns the training queue of the current configuration if the version must be measured again, else null. */
export function createQueueOfConfirmation(deps: Parts): Activities['queueOfConfirmation'] {
  return async (input) => {
    const { standing } = await candidacyOf(deps, input);
    if (standing !== undefined) return { queue: null };
    return queueOf(deps, input, await deps.repositories.models.currentConfiguration(input.scope));
  };
}

/** Returns the queue on which this build is trained. */
export function createQueueOfBuild(deps: Parts): Activities['queueOfBuild'] {
  return async (input) => {
    const begunWith = await deps.repositories.runs.inputs(input.scope, input.runId);
    return queueOf(deps, input, await configurationOfRun(deps.repositories.models, input.scope, begunWith));
  };
}

/** Reports a queue other than the usual one as progress, because its worker may have to be started first. */
async function queueOf(
  { repositories }: Parts,
  { runId }: RunInput,
  { configuration }: ConfigurationVersion,
): Promise<{ readonly queue: string }> {
  const { queue } = configuration.build.resources;
  if (queue !== usual) await repositories.runs.progress(runId, 0, `waits for a worker of the queue ${queue}`);
  return { queue };
}
