import { cancellationSignal } from '@temporalio/activity';
import type { FetchedBatch, FetchedFile, RemoteSource } from '../../contracts/data/remote-source.ts';
import type { ReachableSource } from '../../ports/data-source.ts';
import type { DataActivities } from '../activity-types.ts';
import type { ActivityDependencies, StoringDependencies } from '../activity-dependencies.ts';
import { runWithRequest } from '../steps/run-request.ts';
import { storeJson, withWorkspace } from '../steps/workspace.ts';

/**
 * Fetches what the run's source names and stores it by its digest, with where it came from. Whatever the source says
 * later, the run goes on with what this answered; an upload is there already.
 */
export function createFetchSource(deps: StoringDependencies): DataActivities['fetchSource'] {
  return async ({ runId, scope }) => {
    const { request } = await runWithRequest(deps.repositories.runs, runId, 'data');
    if (request.source === undefined) return { fetched: null };
    const source = await reachable(deps, scope.project, request.source);
    return withWorkspace(deps.scratchFolder, 'fetch', async (folder) => {
      const files: FetchedFile[] = [];
      for (const { path, ...file } of await deps.dataSource.fetch(source, folder, cancellationSignal())) {
        const { sha256 } = await deps.objectStore.putFile(path);
        files.push({ ...file, sha256, fetchedAt: deps.clock.now() });
      }
      const batch: FetchedBatch = { schemaVersion: 1, files };
      return { fetched: await storeJson(deps.objectStore, batch) };
    });
  };
}

/** Credentials are read when they are needed, and go no further than the adapter. */
async function reachable(
  { repositories: { connections } }: ActivityDependencies,
  project: string,
  source: RemoteSource,
): Promise<ReachableSource> {
  if ('url' in source) return { kind: 'url', ...source };
  if ('s3' in source) {
    const { connection, ...objects } = source.s3;
    return { kind: 's3', connection: await connections.settings(project, connection, 's3'), ...objects };
  }
  const { connection, query } = source.postgres;
  return { kind: 'postgres', connection: await connections.settings(project, connection, 'postgres'), query };
}
