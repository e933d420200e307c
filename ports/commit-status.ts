import type { GitConnection } from '../contracts/access/connection.ts';

export type CommitState = 'pending' | 'success' | 'failure' | 'error';

export interface CommitStatus {
  readonly repository: string;
  readonly commit: string;
  readonly state: CommitState;
  /** What tells it apart from statuses of others; one that is sent later under the same name takes its place. */
  readonly context: string;
  /** For people; a server may show 140 characters. */
  readonly description: string;
}

export interface CommitStatuses {
  /** `source-unavailable` where the server will not have it; other errors may pass by themselves. */
  report(status: CommitStatus, connection: GitConnection): Promise<void>;
}
