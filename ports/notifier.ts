import type { NotifierConnection } from '../contracts/access/notifier-kinds.ts';
import type { Instant } from '../contracts/identifiers.ts';

export interface Notification {
  /** Stays the same for every attempt, so that a receiver can recognise repetitions. */
  readonly id: string;
  /** Dotted name, such as `monitor.findings`. */
  readonly type: string;
  readonly at: Instant;
  readonly data: object;
}

/** Sends messages to connections of one kind. */
export interface NotifierOf<Connection extends NotifierConnection> {
  /**
   * Signs and delivers the notification in one attempt. Throws `notification-failed` if the receiver refuses it or
   * cannot be reached.
   */
  send(connection: Connection, notification: Notification, signal: AbortSignal): Promise<void>;
}

/** Sends messages to connections of every registered kind. */
export type Notifier = NotifierOf<NotifierConnection>;
