import type { Notifier } from '../../ports/notifier.ts';
import { notifierMakers } from './index.ts';
import type { NotifierParts } from './notifier-parts.ts';

/** Creates a notifier for connections of every registered kind. */
export function createNotifier(parts: NotifierParts): Notifier {
  return {
    send(connection, notification, signal) {
      const create: (parts: NotifierParts) => Notifier = notifierMakers[connection.kind];
      return create(parts).send(connection, notification, signal);
    },
  };
}
