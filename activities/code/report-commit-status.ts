import { reasonOf } from '../../contracts/errors.ts';
import { repositoryOf } from '../../contracts/code/git-source.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import type { Run } from '../../contracts/runs/run.ts';
import type { Activities } from '../../contracts/pipelines/steps.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';
import { commitOf, statusOfRun } from './status-of-run.ts';

/**
 * Reports a run's result as a commit status, if the model's code comes from git with a connection that has a token.
 * Runs after the run is over; the run does not depend on its success.
 */
export function createReportCommitStatus(deps: ActivityDependencies): Activities['reportCommitStatus'] {
  return async ({ about: { runId, scope } }) => {
    const { configuration } = await deps.repositories.models.currentConfiguration(scope);
    const { git } = configuration.code;
    if (git?.connection === undefined) return;
    const { clock } = await deps.repositories.environments.get(scope.project, scope.environment);
    // A rehearsal builds on past data, so its result says nothing about a commit.
    if (clock === 'virtual') return;
    const run = await deps.repositories.runs.get(runId);
    const about = await commitOfRun(deps, run, scope);
    // After the model has moved to another repository, a commit of the old repository gets no status.
    if (about === undefined || repositoryOf(about.repository) !== repositoryOf(git.url)) return;
    const status = statusOfRun(run, configuration, { ...about, scope });
    if (status === undefined) return;
    const connection = await deps.repositories.connections.settings(scope.project, git.connection, 'git');
    try {
      await deps.commitStatuses.report(status, connection);
    } catch (caught) {
      deps.logger.warn(
        { runId, commit: about.commit, reason: reasonOf(caught) },
        'the status of a commit could not be reported',
      );
      // A `pending` status is not retried, because a late one could overwrite the result that the build has reported
      // meanwhile.
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
    // The pushed ref may be a tag, which has to be resolved to its commit. If the same files existed before, that
    // CodeVersion names another commit.
    const peeled = made?.runId === run.id ? commitOf(made.origin)?.commit : undefined;
    return { repository: git.url, commit: peeled ?? git.ref };
  }
  if (request.kind !== 'build') return undefined;
  const built = outcome?.kind === 'build' ? await versions.get(outcome.modelVersionId) : undefined;
  const id = built?.codeVersionId ?? request.codeVersionId ?? (await runs.inputs(scope, run.id)).codeVersionId;
  return id === null ? undefined : commitOf((await code.get(id)).origin);
}
