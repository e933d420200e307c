import { Context } from '@temporalio/activity';
import { PerennialError, reasonOf } from '../../contracts/errors.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import type { Report } from '../../contracts/report.ts';
import type { Notification } from '../../ports/notifier.ts';
import type { MonitorActivities } from '../activity-types.ts';
import type { ActivityDependencies } from '../dependencies.ts';

/** A minute and a half, by the retry policy; a receiver that is away for longer does not keep the monitor from its next report. */
const mostAttempts = 12;

/**
 * Tells the webhooks of `monitor.notify` what a report opened and closed. Each message keeps its id however often it is sent.
 * Rehearsals tell nobody, as nothing has happened.
 */
export function createNotifyOfReport(deps: ActivityDependencies): MonitorActivities['notifyOfReport'] {
  return async ({ scope, reportId }) => {
    const { environments, models, monitoring } = deps.repositories;
    const { clock } = await environments.get(scope.project, scope.environment);
    const { configuration } = await models.currentConfiguration(scope);
    if (clock === 'virtual' || configuration.monitor.notify.length === 0) return { told: [], failed: [] };
    const report = await monitoring.report(reportId);
    const { info, cancellationSignal } = Context.current();
    const outcomes = await Promise.all(
      configuration.monitor.notify.map((name) => tell(deps, scope, name, report, cancellationSignal)),
    );
    const failed = outcomes.filter((outcome) => outcome.error !== null);
    const again = failed.find(({ error }) => !(error instanceof PerennialError) || error.retryable);
    if (again !== undefined && info.attempt < mostAttempts) throw again.error;
    for (const { name, error } of failed)
      deps.logger.warn(
        { connection: name, reportId, reason: reasonOf(error) },
        'a connection was not told of a report',
      );
    return {
      told: outcomes.filter((outcome) => outcome.error === null).map(({ name }) => name),
      failed: failed.map(({ name }) => name),
    };
  };
}

async function tell(
  deps: ActivityDependencies,
  scope: Scope,
  name: string,
  report: Report,
  signal: AbortSignal,
): Promise<{ readonly name: string; readonly error: unknown }> {
  try {
    const connection = await deps.repositories.connections.settings(scope.project, name, 'webhook');
    await deps.notifier.send(connection, notificationOf(scope, name, report), signal);
    return { name, error: null };
  } catch (caught) {
    signal.throwIfAborted();
    return { name, error: caught };
  }
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
