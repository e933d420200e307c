import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { cancellationSignal } from '@temporalio/activity';
import type { CodeOrigin } from '../../contracts/code/code-version.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import type { RunRequest } from '../../contracts/runs/run.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';

type CodeRequest = Extract<RunRequest, { kind: 'code' }>;

export interface CodeTree {
  /** Plain files inside the folder that was passed in. */
  readonly tree: string;
  readonly origin: CodeOrigin;
}

/** Puts the code that a run's request names into a folder: unpacks the upload, or fetches the code from git. */
export async function fetchCode(
  deps: ActivityDependencies,
  scope: Scope,
  request: CodeRequest,
  folder: string,
): Promise<CodeTree> {
  if (request.git !== undefined) return fromGit(deps, scope, request.git, request.pushedRef, folder);
  if (request.archive === undefined)
    throw new PerennialError('internal', 'a code run has neither an archive nor a repository');
  const uploaded = join(folder, 'uploaded.tar');
  await deps.objectStore.getFile(request.archive, uploaded);
  const tree = join(folder, 'tree');
  const unpacked = await deps.codeArchive.unpack(uploaded, tree);
  const { gitCommit, dirty } = request;
  return { tree, origin: { kind: 'folder', files: unpacked.files, bytes: unpacked.bytes, gitCommit, dirty } };
}

async function fromGit(
  { repositories: { connections }, codeSource }: ActivityDependencies,
  { project }: Scope,
  { url, ref, path = '', connection: name }: NonNullable<CodeRequest['git']>,
  pushedRef: string | undefined,
  folder: string,
): Promise<CodeTree> {
  const connection = name === undefined ? null : await connections.settings(project, name, 'git');
  const into = join(folder, 'git');
  await mkdir(into);
  const { tree, commit, ...found } = await codeSource.fetch({ url, ref, path, connection }, into, cancellationSignal());
  return {
    tree,
    origin: {
      kind: 'git',
      url,
      ref: pushedRef ?? ref,
      path,
      gitCommit: commit,
      ...found,
      submodules: [...found.submodules],
    },
  };
}
