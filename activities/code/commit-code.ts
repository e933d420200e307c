import { join } from 'node:path';
import type { CodeManifest } from '../../contracts/code/code-version.ts';
import type { Activities } from '../../contracts/pipelines/steps.ts';
import type { StoringDependencies } from '../activity-dependencies.ts';
import { runWithRequest } from '../steps/run-request.ts';
import { storeJson, withWorkspace } from '../steps/workspace.ts';
import { fetchCode } from './fetch-code.ts';
import { lockOf } from './lock-of.ts';

/**
 * Commits the uploaded or fetched code. It is packed in canonical form, so that the same files give the same
 * CodeVersion.
 */
export function createCommitCode(deps: StoringDependencies): Activities['commitCode'] {
  return async ({ runId, scope }) => {
    const { run, request } = await runWithRequest(deps.repositories.runs, runId, 'code');
    return withWorkspace(deps.scratchFolder, 'code', async (folder) => {
      const { tree, origin } = await fetchCode(deps, scope, request, folder);
      const canonical = join(folder, 'canonical.tar');
      await deps.codeArchive.pack(tree, canonical);
      const archive = await deps.objectStore.putFile(canonical);
      const { command, network, validation, environmentPath: path, allowBuilds } = request;
      const manifest: CodeManifest = {
        schemaVersion: 1,
        archive: archive.sha256,
        command,
        environment: await lockOf(deps, { runId, scope }, tree, { path, allowBuilds: allowBuilds ?? false }),
        allowBuilds,
        network,
        validation,
      };
      const digest = await storeJson(deps.objectStore, manifest);
      const { version, unchanged } = await deps.repositories.code.commit(
        scope,
        { digest, manifest, origin },
        { runId, by: run.recordedBy, staged: request.staged ?? false },
      );
      return { kind: 'code', codeVersionId: version.id, number: version.number, digest, unchanged };
    });
  };
}
