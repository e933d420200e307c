import { join } from 'node:path';
import { sha256OfBytes } from '../../contracts/digest.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { Activities } from '../../contracts/pipelines/steps.ts';
import type { StoringDependencies } from '../activity-dependencies.ts';
import { fetchFiles, withWorkspace } from '../steps/workspace.ts';
import { rehearsalContext } from './rehearsal-context.ts';

/**
 * Registers the API key of the rehearsal's principal, and writes the rehearsal's rows to one file from which the
 * periods are ingested.
 */
export function createPlanRehearsal(deps: StoringDependencies): Activities['planRehearsal'] {
  return async ({ runId, scope }) => {
    const { rehearsal, periods, principalId } = await rehearsalContext(deps, { runId, scope });
    if (periods.length === 0)
      throw new PerennialError(
        'invalid-request',
        `there is no whole ${rehearsal.plan.every} between ${rehearsal.plan.from} and ${rehearsal.plan.to}; choose an earlier start, a later end or shorter periods`,
        { from: rehearsal.plan.from, to: rehearsal.plan.to },
      );
    await deps.repositories.principals.addKey(
      principalId,
      sha256OfBytes(deps.rehearsalKey(rehearsal.id)),
      'rehearsal',
      principalId,
    );
    const dataset = await deps.repositories.datasets.get(rehearsal.plan.datasetVersionId);
    return withWorkspace(deps.scratchFolder, 'rehearse', async (folder) => {
      const parts = await fetchFiles(
        deps.objectStore,
        dataset.manifest.parts.map((part) => part.sha256),
        join(folder, 'parts'),
      );
      const path = join(folder, 'rows.parquet');
      await deps.tableEngine.exportRows({
        parts,
        columns: dataset.manifest.columns.map((column) => column.name),
        format: 'parquet',
        path,
      });
      const { sha256 } = await deps.objectStore.putFile(path);
      await deps.repositories.rehearsals.keepRows(rehearsal.id, sha256);
      const recorded = rehearsal.periods.length;
      return { rehearsalId: rehearsal.id, periods: periods.length, recorded, rows: sha256 };
    });
  };
}
