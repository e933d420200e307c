import { PerennialError } from '../../contracts/errors.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import type { Rehearsal } from '../../contracts/runs/rehearsal.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';

/** Returns the rehearsal that owns an environment with a virtual clock. */
export async function rehearsalOf(deps: ActivityDependencies, scope: Scope): Promise<Rehearsal> {
  const found = await deps.repositories.rehearsals.inEnvironment(scope);
  if (found === undefined)
    throw new PerennialError(
      'not-found',
      `${scope.environment} is not the environment of a rehearsal of ${scope.model}`,
      {
        environment: scope.environment,
      },
    );
  return found;
}
