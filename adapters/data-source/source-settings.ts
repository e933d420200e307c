import type { OutboundHosts } from '../../ports/outbound-hosts.ts';

/** What sources are fetched with, whatever their kind. */
export interface SourceSettings {
  readonly hosts: OutboundHosts;
  /** Of one batch. Default: 32 GiB. */
  readonly bytesAtMost: number;
  /** The longest silence of a server. Default: 30 s. */
  readonly idleMs: number;
  /** Default: 500 ms. */
  readonly firstPauseMs: number;
  /** Of a query to a database. Default: one hour. */
  readonly statementTimeoutMs: number;
}
