import type { NotifierConnection } from '../contracts/access/notifier-kinds.ts';
import type { Instant } from '../contracts/identifiers.ts';

export interface Notification {
  /** The same for every attempt, so that a receiver can tell a repetition. */
  readonly id: string;
  /** With dots, such as `monitor.findings`. */
  readonly type: string;
  readonly at: Instant;
  readonly data: object;
}

/** Sends messages to connections of one kind. */
export interface NotifierOf<Connection extends NotifierConnection> {
  /** Delivers, signed; once. `notification-failed` where the receiver refuses or cannot be reached. */
  send(connection: Connection, notification: Notification, signal: AbortSignal): Promise<void>;
}

/** Sends messages to connections of every registered kind. */
export type Notifier = NotifierOf<NotifierConnection>;
