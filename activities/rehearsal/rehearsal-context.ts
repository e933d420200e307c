import type { Configuration } from '../../contracts/configuration/configuration.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { Rehearsal } from '../../contracts/runs/rehearsal.ts';
import type { RunInput } from '../../contracts/pipelines/step.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';
import type { Period } from './periods.ts';
import { periodsOf } from './periods.ts';
import { rehearsalOf } from '../steps/rehearsal-of.ts';

export interface RehearsalContext {
  readonly rehearsal: Rehearsal;
  readonly configuration: Configuration;
  readonly periods: readonly Period[];
  readonly principalId: string;
}

/** Returns the rehearsal that the run carries out, with its configuration and periods. */
export async function rehearsalContext(
  deps: ActivityDependencies,
  { runId, scope }: RunInput,
): Promise<RehearsalContext> {
  const rehearsal = await rehearsalOf(deps, scope);
  if (rehearsal.runId !== runId)
    throw new PerennialError('unproven', `run ${runId} does not carry out rehearsal ${rehearsal.id}`, { runId });
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

/**
 * Throws `unproven` unless `index` is the next period. −1, the preparation before the first period, is allowed until
 * one is recorded.
 */
export function mustBeNext({ rehearsal }: RehearsalContext, index: number): void {
  const recorded = rehearsal.periods.length;
  if (index === recorded || (index === -1 && recorded === 0)) return;
  throw new PerennialError(
    'unproven',
    `period ${index} of rehearsal ${rehearsal.id} is not the next period: ${recorded} periods are recorded`,
    { index },
  );
}
