import type { RehearsalActivities } from '../activity-types.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { withWorkspace } from '../workspace.ts';
import { rowsBetween } from './dataset-rows.ts';
import { mustHaveFirstModel } from './first-model.ts';
import { mustBeNext, periodAt, rehearsalContext } from './rehearsal-context.ts';

const concurrency = 16;
/** Without pauses, preparing many requests would block this thread's heartbeats. */
const labelsAtOnce = 2_000;

/** One row one request through the gateway, by what is deployed, with the rows' own times; then their labels. */
export function createServePeriod(deps: ActivityDependencies): RehearsalActivities['servePeriod'] {
  return async ({ runId, scope, index }) => {
    const context = await rehearsalContext(deps, { runId, scope });
    mustBeNext(context, index);
    const { rehearsal, configuration, principalId } = context;
    const { from, to } = periodAt(context, index);
    await mustHaveFirstModel(deps, scope);
    await deps.repositories.environments.advanceClock(scope.project, scope.environment, to);
    const rows = await withWorkspace(deps.scratchFolder, 'serve', (folder) =>
      rowsBetween(deps, { datasetVersionId: rehearsal.plan.datasetVersionId, configuration, from, to, folder }),
    );
    await deps.gateways.send(scope, rows, { key: deps.rehearsalKey(rehearsal.id), concurrency });
    for (let first = 0; first < rows.length; first += labelsAtOnce) {
      const labels = rows
        .slice(first, first + labelsAtOnce)
        .map(({ id, target, eventTime }) => ({ id, value: target, at: eventTime }));
      await deps.repositories.monitoring.addLabels(scope, labels, principalId);
    }
    return { rows: rows.length };
  };
}
