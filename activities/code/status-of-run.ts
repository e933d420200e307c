import type { CodeOrigin } from '../../contracts/code/code-version.ts';
import type { Configuration } from '../../contracts/configuration/configuration.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import type { Run } from '../../contracts/runs/run.ts';
import type { CommitStatus } from '../../ports/commit-status.ts';

/**
 * Returns the commit status for a run about that commit; undefined if there is nothing to report, for example while the
 * run is not over.
 */
export function statusOfRun(
  run: Run,
  { retrain }: Configuration,
  about: { readonly repository: string; readonly commit: string; readonly scope: Scope },
): CommitStatus | undefined {
  const told = wordsOf(run, retrain.on.includes('new-code'));
  if (told === undefined) return undefined;
  const { model, environment } = about.scope;
  const context = environment === 'production' ? `perennial/${model}` : `perennial/${model} in ${environment}`;
  return { repository: about.repository, commit: about.commit, context, ...told };
}

type Told = Pick<CommitStatus, 'state' | 'description'>;

function wordsOf(run: Run, buildFollows: boolean): Told | undefined {
  if (run.state === 'failed') return { state: 'error', description: `${run.request.kind}: ${run.failure.message}` };
  if (run.state === 'cancelled') return { state: 'error', description: `the ${run.request.kind} run was cancelled` };
  if (run.state !== 'succeeded') return undefined;
  const { outcome } = run;
  if (outcome.kind === 'code') {
    const code = `code ${outcome.number}`;
    if (outcome.unchanged) return { state: 'success', description: `${code} is unchanged, so no build follows` };
    if (buildFollows) return { state: 'pending', description: `${code} waits for its build` };
    return {
      state: 'success',
      description: `${code} is recorded; retrain.on does not list new-code, so no build follows`,
    };
  }
  if (outcome.kind !== 'build') return undefined;
  const version = `model version ${outcome.number}`;
  switch (outcome.decision) {
    case 'candidate':
      return { state: 'success', description: `${version} passed its gates` };
    case 'unchanged':
      return { state: 'success', description: `${version} already serves` };
    case 'rejected':
      return { state: 'failure', description: `${version}: ${outcome.reasons.join('; ')}` };
  }
}

/** Returns the repository and commit of code that came from git; undefined for other code. */
export function commitOf(origin: CodeOrigin | undefined): { repository: string; commit: string } | undefined {
  return origin?.kind === 'git' ? { repository: origin.url, commit: origin.gitCommit } : undefined;
}
