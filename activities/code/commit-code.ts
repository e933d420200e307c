import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CodeManifest, CodeOrigin } from '../../contracts/code.ts';
import { sha256OfBytes } from '../../contracts/digest.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { DataActivities } from '../activity-types.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { runWithRequest } from '../run-request.ts';
import { storeJson, withWorkspace } from '../workspace.ts';

/** The upload is unpacked and packed again in its canonical form, so that the same files are the same CodeVersion. */
export function createCommitCode(deps: ActivityDependencies): DataActivities['commitCode'] {
  return async ({ runId, scope }) => {
    const { run, request } = await runWithRequest(deps.repositories.runs, runId, 'code');
    return withWorkspace(deps.scratchFolder, 'code', async (folder) => {
      const uploaded = join(folder, 'uploaded.tar');
      await deps.objectStore.getFile(request.archive, uploaded);
      const tree = join(folder, 'tree');
      const unpacked = await deps.codeArchive.unpack(uploaded, tree);
      const canonical = join(folder, 'canonical.tar');
      await deps.codeArchive.pack(tree, canonical);
      const archive = await deps.objectStore.putFile(canonical);
      const { command, network, validation } = request;
      const manifest: CodeManifest = {
        schemaVersion: 1,
        archive: archive.sha256,
        command,
        environment: await lockOf(tree, request.environmentPath),
        network,
        validation,
      };
      const digest = await storeJson(deps.objectStore, manifest);
      const origin: CodeOrigin = {
        kind: 'folder',
        files: unpacked.files,
        bytes: unpacked.bytes,
        gitCommit: request.gitCommit,
        dirty: request.dirty,
      };
      const { version, unchanged } = await deps.repositories.code.commit(
        scope,
        { digest, manifest, origin },
        { runId, by: run.recordedBy },
      );
      return { kind: 'code', codeVersionId: version.id, number: version.number, digest, unchanged };
    });
  };
}

async function lockOf(tree: string, path: string | null): Promise<CodeManifest['environment']> {
  if (path === null) return null;
  try {
    return { path, lock: sha256OfBytes(await readFile(join(tree, path))) };
  } catch (caught) {
    throw new PerennialError(
      'environment-failed',
      `the code has no file ${path}, which code.environment names; add it, or change code.environment`,
      { path },
      { cause: caught },
    );
  }
}
