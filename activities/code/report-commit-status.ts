import { reasonOf } from '../../contracts/errors.ts';
import { repositoryOf } from '../../contracts/code/git-source.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import type { Run } from '../../contracts/runs/run.ts';
import type { Activities } from '../../contracts/pipelines/steps.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';
import { commitOf, statusOfRun } from './status-of-run.ts';

/**
 * Tells the commit what became of it, where the model's code comes from git with a connection that has a token. The
 * run is over by then, and nothing of it depends on whether this works.
 */
export function createReportCommitStatus(deps: ActivityDependencies): Activities['reportCommitStatus'] {
  return async ({ about: { runId, scope } }) => {
    const { configuration } = await deps.repositories.models.currentConfiguration(scope);
    const { git } = configuration.code;
    if (git?.connection === undefined) return;
    const { clock } = await deps.repositories.environments.get(scope.project, scope.environment);
    // What a rehearsal builds on past data says nothing of a commit.
    if (clock === 'virtual') return;
    const run = await deps.repositories.runs.get(runId);
    const about = await commitOfRun(deps, run, scope);
    // Code of a repository that the model has left is nobody's business at the new one.
    if (about === undefined || repositoryOf(about.repository) !== repositoryOf(git.url)) return;
    const status = statusOfRun(run, configuration, { ...about, scope });
    if (status === undefined) return;
    const connection = await deps.repositories.connections.settings(scope.project, git.connection, 'git');
    try {
      await deps.commitStatuses.report(status, connection);
    } catch (caught) {
      deps.logger.warn({ runId, commit: about.commit, reason: reasonOf(caught) }, 'a commit could not be told');
      // Sent late, it could take the place of what the build has said meanwhile.
      if (status.state !== 'pending') throw caught;
    }
  };
}

async function commitOfRun(
  { repositories: { code, runs, versions } }: ActivityDependencies,
  run: Run,
  scope: Scope,
): Promise<{ repository: string; commit: string } | undefined> {
  const { request } = run;
  const outcome = run.state === 'succeeded' ? run.outcome : undefined;
  if (request.kind === 'code') {
    const { git, pushedRef } = request;
    if (git === undefined || pushedRef === undefined) return undefined;
    const made = outcome?.kind === 'code' && !outcome.unchanged ? await code.get(outcome.codeVersionId) : undefined;
    // A tag may have been pushed, which is not the commit itself; files that were there before name another commit.
    const peeled = made?.runId === run.id ? commitOf(made.origin)?.commit : undefined;
    return { repository: git.url, commit: peeled ?? git.ref };
  }
  if (request.kind !== 'build') return undefined;
  const built = outcome?.kind === 'build' ? await versions.get(outcome.modelVersionId) : undefined;
  const id = built?.codeVersionId ?? request.codeVersionId ?? (await runs.inputs(scope, run.id)).codeVersionId;
  return id === null ? undefined : commitOf((await code.get(id)).origin);
}
