import type { Scope } from '../../contracts/identifiers.ts';
import type { Report } from '../../contracts/monitoring/report.ts';
import type { Notification } from '../../ports/notifier.ts';
import type { Activities } from '../../contracts/pipelines/steps.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';
import { tellConnections } from '../steps/tell-connections.ts';

/**
 * Sends the findings that a report opened and closed to the webhooks in `monitor.notify`. Rehearsals notify nobody,
 * because they replay the past.
 */
export function createNotifyOfReport(deps: ActivityDependencies): Activities['notifyOfReport'] {
  return async ({ scope, reportId }) => {
    const { environments, models, monitoring } = deps.repositories;
    const { clock } = await environments.get(scope.project, scope.environment);
    const { configuration } = await models.currentConfiguration(scope);
    if (clock === 'virtual' || configuration.monitor.notify.length === 0) return { told: [], failed: [] };
    const report = await monitoring.report(reportId);
    return tellConnections(deps, scope, configuration.monitor.notify, (name) => notificationOf(scope, name, report));
  };
}

function notificationOf(scope: Scope, name: string, { id, body, recordedAt }: Report): Notification {
  const moved = body.findings.filter(({ state }) => state !== 'open');
  return {
    id: `msg_${id}_${name}`,
    type: 'monitor.findings',
    at: recordedAt,
    data: {
      project: scope.project,
      model: scope.model,
      environment: scope.environment,
      report: id,
      from: body.from,
      to: body.to,
      predictions: body.predictions,
      findings: moved,
      open: body.findings.filter(({ state }) => state !== 'closed').length,
      triggers: body.triggers,
    },
  };
}
