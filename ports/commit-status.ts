import type { GitConnection } from '../contracts/access/connection.ts';

export type CommitState = 'pending' | 'success' | 'failure' | 'error';

export interface CommitStatus {
  readonly repository: string;
  readonly commit: string;
  readonly state: CommitState;
  /** Name that separates this status from those of other senders. A later status with the same name replaces it. */
  readonly context: string;
  /** Text for people. A server may show only the first 140 characters. */
  readonly description: string;
}

export interface CommitStatuses {
  /** Throws `source-unavailable` if the server refuses the status. Any other error may be temporary. */
  report(status: CommitStatus, connection: GitConnection): Promise<void>;
}
