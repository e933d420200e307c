import type { WebhookConnection } from '../contracts/access/connection.ts';
import type { Instant } from '../contracts/identifiers.ts';

export interface Notification {
  /** The same for every attempt, so that a receiver can tell a repetition. */
  readonly id: string;
  /** With dots, such as `monitor.findings`. */
  readonly type: string;
  readonly at: Instant;
  readonly data: object;
}

export interface Notifier {
  /** Delivers, signed; once. `notification-failed` where the receiver refuses or cannot be reached. */
  send(connection: WebhookConnection, notification: Notification, signal: AbortSignal): Promise<void>;
}
