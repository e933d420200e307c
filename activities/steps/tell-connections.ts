import { Context } from '@temporalio/activity';
import { notifierKindNames } from '../../contracts/access/notifier-kinds.ts';
import { PerennialError, reasonOf } from '../../contracts/errors.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import type { Notification } from '../../ports/notifier.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';

/** About a minute and a half under the retry policy. After that, an unreachable receiver no longer delays the step. */
const mostAttempts = 12;

export interface Told {
  readonly told: readonly string[];
  readonly failed: readonly string[];
}

/** Sends each connection its notification. A message keeps its id over all attempts. */
export async function tellConnections(
  deps: ActivityDependencies,
  scope: Scope,
  names: readonly string[],
  notificationFor: (name: string) => Notification,
): Promise<Told> {
  const { info, cancellationSignal } = Context.current();
  const tell = async (name: string): Promise<{ readonly name: string; readonly error: unknown }> => {
    try {
      const connection = await deps.repositories.connections.settings(scope.project, name, ...notifierKindNames);
      await deps.notifier.send(connection, notificationFor(name), cancellationSignal);
      return { name, error: null };
    } catch (caught) {
      cancellationSignal.throwIfAborted();
      return { name, error: caught };
    }
  };
  const outcomes = await Promise.all(names.map(tell));
  const failed = outcomes.filter((outcome) => outcome.error !== null);
  const again = failed.find(({ error }) => !(error instanceof PerennialError) || error.retryable);
  if (again !== undefined && info.attempt < mostAttempts) throw again.error;
  for (const { name, error } of failed) {
    const { id } = notificationFor(name);
    deps.logger.warn(
      { connection: name, message: id, reason: reasonOf(error) },
      'a notification could not be sent to a connection',
    );
  }
  return {
    told: outcomes.filter((outcome) => outcome.error === null).map(({ name }) => name),
    failed: failed.map(({ name }) => name),
  };
}
