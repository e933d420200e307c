import type { Id, Scope } from '../../contracts/identifiers.ts';
import type { RefusedRows } from '../../contracts/runs/rehearsal.ts';
import type { RefusedRow } from '../../ports/gateways.ts';
import type { Activities } from '../../contracts/pipelines/steps.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';
import { withWorkspace } from '../steps/workspace.ts';
import type { DatasetRow, DatasetRows } from '../measurement/dataset-rows.ts';
import { rowsBetween } from '../measurement/dataset-rows.ts';
import { mustHaveFirstModel } from './first-model.ts';
import { mustBeNext, periodAt, rehearsalContext } from './rehearsal-context.ts';

const concurrency = 16;
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
    return withWorkspace(deps.scratchFolder, 'serve', async (folder) => {
      const { datasetVersionId } = rehearsal.plan;
      const rows = await rowsBetween(deps, { datasetVersionId, configuration, from, to, folder });
      const sent = await sendRows(deps, scope, rows, deps.rehearsalKey(rehearsal.id));
      // Ensures that each label finds its prediction immediately.
      await deps.gateways.flush(scope);
      const refused = new Set(sent.refused.map(({ id }) => id));
      for await (const piece of rows.pieces()) {
        const taken = piece.filter(({ id }) => !refused.has(id));
        await addLabels(deps, scope, taken, principalId);
      }
      return {
        rows: rows.rows,
        served: {
          ...(sent.refused.length === 0 ? {} : { refusedRows: refusedRowsOf(sent.refused) }),
          ...(sent.unanswered === 0 ? {} : { unansweredRows: sent.unanswered }),
        },
      };
    });
  };
}

interface ServedRows {
  readonly unanswered: number;
  readonly refused: readonly Pick<RefusedRow, 'id' | 'feature'>[];
}

async function sendRows(deps: ActivityDependencies, scope: Scope, rows: DatasetRows, key: string): Promise<ServedRows> {
  const refused: Pick<RefusedRow, 'id' | 'feature'>[] = [];
  let unanswered = 0;
  for await (const piece of rows.pieces()) {
    const sent = await deps.gateways.send(scope, piece, { key, concurrency });
    unanswered += sent.unanswered;
    for (const { id, feature } of sent.refused) refused.push({ id, feature });
  }
  return { unanswered, refused };
}

async function addLabels(
  { repositories, logger }: ActivityDependencies,
  scope: Scope,
  rows: readonly DatasetRow[],
  principalId: Id,
): Promise<void> {
  const labels = rows.flatMap(({ id, target, eventTime }) =>
    target === null ? [] : [{ id, value: target, at: eventTime }],
  );
  const { refused, refusals } = await repositories.monitoring.addLabels(scope, labels, principalId);
  if (refused > 0)
    logger.warn(
      { refused, first: refusals[0]?.reason },
      'some labels of a rehearsal were refused, because they are not values of the target',
    );
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
