import type { Configuration } from '../../contracts/configuration.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import type { Rehearsal } from '../../contracts/rehearsal.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import type { Period } from './periods.ts';
import { periodsOf } from './periods.ts';
import { rehearsalOf } from './rehearsal-of.ts';

export interface RehearsalContext {
  readonly rehearsal: Rehearsal;
  readonly configuration: Configuration;
  readonly periods: readonly Period[];
  readonly principalId: string;
}

export async function rehearsalContext(deps: ActivityDependencies, scope: Scope): Promise<RehearsalContext> {
  const rehearsal = await rehearsalOf(deps, scope);
  const { configuration } = await deps.repositories.models.configuration(rehearsal.plan.configurationId);
  const periods = periodsOf(rehearsal.plan, configuration.data.timezone);
  return {
    rehearsal,
    configuration,
    periods,
    principalId: await deps.repositories.rehearsals.principalOf(rehearsal.id),
  };
}

export function periodAt({ periods, rehearsal }: RehearsalContext, index: number): Period {
  const period = periods[index];
  if (period === undefined)
    throw new PerennialError('internal', `rehearsal ${rehearsal.id} has no period ${index}`, { index });
  return period;
}
