import { cancellationSignal } from '@temporalio/activity';
import type { FetchedBatch, FetchedFile } from '../../contracts/data/remote-source.ts';
import type { OpenConnection } from '../../ports/data-source.ts';
import type { Activities } from '../../contracts/pipelines/steps.ts';
import type { StoringDependencies } from '../activity-dependencies.ts';
import { runWithRequest } from '../steps/run-request.ts';
import { storeJson, withWorkspace } from '../steps/workspace.ts';

/**
 * Fetches the data that the run's source names and stores it by its digest, with its origin. The run uses this result
 * even if the source changes later. Does nothing for an upload, which is already stored.
 */
export function createFetchSource(deps: StoringDependencies): Activities['fetchSource'] {
  return async ({ runId, scope }) => {
    const { request } = await runWithRequest(deps.repositories.runs, runId, 'data');
    if (request.source === undefined) return { fetched: null };
    const { source } = request;
    const openConnection: OpenConnection = (name, kind) =>
      deps.repositories.connections.settings(scope.project, name, kind);
    return withWorkspace(deps.scratchFolder, 'fetch', async (folder) => {
      const fetching = { openConnection, folder, signal: cancellationSignal() };
      const files: FetchedFile[] = [];
      for (const { path, ...file } of await deps.dataSource.fetch(source, fetching)) {
        const { sha256 } = await deps.objectStore.putFile(path);
        files.push({ ...file, sha256, fetchedAt: deps.clock.now() });
      }
      const batch: FetchedBatch = { schemaVersion: 1, files };
      return { fetched: await storeJson(deps.objectStore, batch) };
    });
  };
}
