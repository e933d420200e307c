import type { OutboundHosts } from '../../ports/outbound-hosts.ts';

/** Settings of every kind of remote source. */
export interface SourceSettings {
  readonly hosts: OutboundHosts;
  /** Most bytes of one batch. Default: 32 GiB. */
  readonly bytesAtMost: number;
  /** Longest silence of a server, in milliseconds. Default: 30 s. */
  readonly idleMs: number;
  /** Pause before the first retry, in milliseconds. Default: 500 ms. */
  readonly firstPauseMs: number;
  /** Time limit of a database query, in milliseconds. Default: one hour. */
  readonly statementTimeoutMs: number;
}
