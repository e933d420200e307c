import type { QueueActivities } from '../activity-types.ts';
import type { ActivityDependencies } from '../dependencies.ts';

const usual = 'train';

/** Which queue the build's work is for; a person who watches is told if it is one that a worker must be started for. */
export function createQueueOfBuild({
  repositories,
}: Pick<ActivityDependencies, 'repositories'>): QueueActivities['queueOfBuild'] {
  return async ({ runId, scope }) => {
    const { configuration } = await repositories.models.currentConfiguration(scope);
    const { queue } = configuration.build.resources;
    if (queue !== usual) await repositories.runs.progress(runId, 0, `waits for a worker of the queue ${queue}`);
    return { queue };
  };
}
