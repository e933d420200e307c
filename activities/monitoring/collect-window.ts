import type { Configuration } from '../../contracts/configuration/configuration.ts';
import type { Duration } from '../../contracts/time/duration.ts';
import type { Instant, Scope } from '../../contracts/identifiers.ts';
import type { MonitoringWindow } from '../../contracts/monitoring/monitoring-window.ts';
import { shiftInstant } from '../../contracts/time/shift-instant.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { Activities } from '../../contracts/pipelines/steps.ts';
import type { ActivityDependencies, StoringDependencies } from '../activity-dependencies.ts';
import { runWithRequest } from '../steps/run-request.ts';
import { storeJson } from '../steps/workspace.ts';

const aYear = '12 months';

/** Has the gateways hand over their prediction logs, and fixes the inputs of the report. */
export function createCollectWindow(deps: StoringDependencies): Activities['collectWindow'] {
  return async ({ runId, scope }) => {
    deps.computing?.prepare();
    const { deployments, models, monitoring } = deps.repositories;
    const { request } = await runWithRequest(deps.repositories.runs, runId, 'monitor');
    const champion = await deployments.champion(scope);
    if (champion === undefined)
      throw new PerennialError(
        'no-data',
        `nothing serves ${scope.model} in ${scope.environment}, so there is nothing to monitor; deploy a version first`,
        { model: scope.model },
      );
    const { id: configurationId, configuration } = await models.currentConfiguration(scope);
    await deps.gateways.flush(scope);
    const to = request.asOf;
    const from = shiftInstant(to, request.window ?? configuration.monitor.window, -1, configuration.data.timezone);
    const segments = await monitoring.segments(scope, from, to);
    const reference = await referenceSegments(deps, scope, configuration.monitor.reference, {
      from,
      to,
      length: request.window ?? configuration.monitor.window,
      timezone: configuration.data.timezone,
    });
    const window: MonitoringWindow = {
      schemaVersion: 1,
      from,
      to,
      configurationId,
      championReleaseId: champion.release.id,
      championVersionId: champion.slot.modelVersionId,
      segments: segments.map((segment) => segment.sha256),
      dropped: segments.reduce((sum, segment) => sum + segment.dropped, 0),
      ...(reference === undefined ? {} : { reference }),
    };
    return { window: await storeJson(deps.objectStore, window) };
  };
}

interface Span {
  readonly from: Instant;
  readonly to: Instant;
  readonly length: Duration;
  readonly timezone: string;
}

/** Returns the log segments of the reference window: the previous window, or the same window a year ago. */
async function referenceSegments(
  deps: ActivityDependencies,
  scope: Scope,
  kind: Configuration['monitor']['reference'],
  { from, to, length, timezone }: Span,
): Promise<MonitoringWindow['reference']> {
  if (kind === 'training') return undefined;
  const past =
    kind === 'previous'
      ? { from: shiftInstant(from, length, -1, timezone), to: from }
      : { from: shiftInstant(from, aYear, -1, timezone), to: shiftInstant(to, aYear, -1, timezone) };
  const segments = await deps.repositories.monitoring.segments(scope, past.from, past.to);
  return { kind, ...past, segments: segments.map((segment) => segment.sha256) };
}
