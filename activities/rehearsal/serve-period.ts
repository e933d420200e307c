import type { RefusedRows } from '../../contracts/runs/rehearsal.ts';
import type { RefusedRow } from '../../ports/gateways.ts';
import type { Activities } from '../../contracts/pipelines/steps.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';
import { withWorkspace } from '../steps/workspace.ts';
import type { DatasetRow } from '../measurement/dataset-rows.ts';
import { rowsBetween } from '../measurement/dataset-rows.ts';
import { mustHaveFirstModel } from './first-model.ts';
import { mustBeNext, periodAt, rehearsalContext } from './rehearsal-context.ts';

const concurrency = 16;
/** Labels are sent in batches, because preparing many at once would block this thread's heartbeats. */
const labelsAtOnce = 2_000;
/** The most features that are listed. The count of rows is complete. */
const mostFeatures = 20;

/**
 * Sends each row of the period to the gateway as a request of its own, at the row's own time, and then sends the
 * labels. A row that the gateway refuses is counted and gets no label, as in production.
 */
export function createServePeriod(deps: ActivityDependencies): Activities['servePeriod'] {
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
    const sent = await deps.gateways.send(scope, rows, { key: deps.rehearsalKey(rehearsal.id), concurrency });
    // Ensures that each label finds its prediction immediately.
    await deps.gateways.flush(scope);
    const taken = without(rows, sent.refused);
    for (let first = 0; first < taken.length; first += labelsAtOnce) {
      const labels = taken
        .slice(first, first + labelsAtOnce)
        .flatMap(({ id, target, eventTime }) => (target === null ? [] : [{ id, value: target, at: eventTime }]));
      const { refused, refusals } = await deps.repositories.monitoring.addLabels(scope, labels, principalId);
      if (refused > 0)
        deps.logger.warn(
          { refused, first: refusals[0]?.reason },
          'some labels of a rehearsal were refused, because they are not values of the target',
        );
    }
    return {
      rows: rows.length,
      served: {
        ...(sent.refused.length === 0 ? {} : { refusedRows: refusedRowsOf(sent.refused) }),
        ...(sent.unanswered === 0 ? {} : { unansweredRows: sent.unanswered }),
      },
    };
  };
}

function without(rows: readonly DatasetRow[], refused: readonly RefusedRow[]): readonly DatasetRow[] {
  const ids = new Set(refused.map(({ id }) => id));
  return ids.size === 0 ? rows : rows.filter(({ id }) => !ids.has(id));
}

/** Counts refused rows by feature, the largest count first. */
export function refusedRowsOf(refused: readonly Pick<RefusedRow, 'feature'>[]): RefusedRows {
  const counts = new Map<string, number>();
  for (const { feature } of refused) counts.set(feature, (counts.get(feature) ?? 0) + 1);
  const features = Array.from(counts, ([name, rows]) => ({ name, rows }))
    .toSorted((a, b) => b.rows - a.rows || (a.name < b.name ? -1 : 1))
    .slice(0, mostFeatures);
  return { rows: refused.length, features };
}
