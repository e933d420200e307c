import { PerennialError } from '../../contracts/errors.ts';
import type { RehearsalPeriod, RehearsalSummary } from '../../contracts/runs/rehearsal.ts';
import type { Activities } from '../../contracts/pipelines/steps.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';
import { rehearsalContext } from './rehearsal-context.ts';

/** Ends the rehearsal with its summary. The means are over periods, and each period counts once. */
export function createFinishRehearsal(deps: ActivityDependencies): Activities['finishRehearsal'] {
  return async ({ runId, scope }) => {
    const { rehearsal, periods: planned } = await rehearsalContext(deps, { runId, scope });
    const { id: rehearsalId, periods } = rehearsal;
    if (periods.length < planned.length)
      throw new PerennialError(
        'unproven',
        `rehearsal ${rehearsalId} has not ended: ${periods.length} of ${planned.length} periods are recorded`,
        { rehearsalId },
      );
    const decided = (decision: string) => periods.filter((period) => period.build?.decision === decision).length;
    const refusedRows = sumOf(periods, (period) => period.refusedRows?.rows);
    const unansweredRows = sumOf(periods, (period) => period.unansweredRows);
    const summary: RehearsalSummary = {
      metricAsServed: meanOf(periods, (period) => period.metricAsServed),
      metricNeverReplaced: meanOf(periods, (period) => period.metricNeverReplaced),
      promoted: decided('promoted'),
      refused: decided('refused'),
      unchanged: decided('unchanged'),
      ...(refusedRows === 0 ? {} : { refusedRows }),
      ...(unansweredRows === 0 ? {} : { unansweredRows }),
    };
    await deps.repositories.rehearsals.finish(rehearsalId, summary);
    return { kind: 'rehearsal', rehearsalId, ...summary };
  };
}

function meanOf(
  periods: readonly RehearsalPeriod[],
  metric: (period: RehearsalPeriod) => number | null,
): number | null {
  const values = periods.map(metric).filter((value) => value !== null);
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

function sumOf(periods: readonly RehearsalPeriod[], count: (period: RehearsalPeriod) => number | undefined): number {
  return periods.reduce((sum, period) => sum + (count(period) ?? 0), 0);
}
