import type { QueueActivities } from '../activity-types.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { configurationOf } from './build-inputs.ts';
import { candidacyOf } from '../evaluation/standing-evaluation.ts';

const usual = 'train';

/** The queue of the build's configuration, if there is something to be measured again; so little is asked on the spot. */
export function createQueueOfConfirmation(
  deps: Pick<ActivityDependencies, 'repositories'>,
): QueueActivities['queueOfConfirmation'] {
  return async (input) => {
    const { standing } = await candidacyOf(deps, input);
    return standing === undefined ? createQueueOfBuild(deps)(input) : { queue: null };
  };
}

/** Which queue the build's work is for; a person who watches is told if it is one that a worker must be started for. */
export function createQueueOfBuild({
  repositories,
}: Pick<ActivityDependencies, 'repositories'>): QueueActivities['queueOfBuild'] {
  return async ({ runId, scope }) => {
    const begunWith = await repositories.runs.inputs(scope, runId);
    const { configuration } = await configurationOf(repositories.models, scope, begunWith);
    const { queue } = configuration.build.resources;
    if (queue !== usual) await repositories.runs.progress(runId, 0, `waits for a worker of the queue ${queue}`);
    return { queue };
  };
}
