import { PerennialError } from '../../contracts/errors.ts';
import type { Id } from '../../contracts/identifiers.ts';
import type { Run, RunKind, RunRequest } from '../../contracts/runs/run.ts';
import type { RunRepository } from '../../ports/repositories/run-repository.ts';

/** Returns the run with its request. Throws if the request is not of the kind that the activity works for. */
export async function runWithRequest<Kind extends RunKind>(
  runs: RunRepository,
  runId: Id,
  kind: Kind,
): Promise<{ run: Run; request: Extract<RunRequest, { kind: Kind }> }> {
  const run = await runs.get(runId);
  const { request } = run;
  if (!isOfKind(request, kind))
    throw new PerennialError('internal', `run ${runId} is a ${request.kind} run, not a ${kind} run`, { runId });
  return { run, request };
}

function isOfKind<Kind extends RunKind>(
  request: RunRequest,
  kind: Kind,
): request is Extract<RunRequest, { kind: Kind }> {
  return request.kind === kind;
}
