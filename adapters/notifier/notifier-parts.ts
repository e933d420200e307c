import type { Clock } from '../../ports/clock.ts';
import type { OutboundHosts } from '../../ports/outbound-hosts.ts';

/** What notifiers are made with, whatever their kind. */
export interface NotifierParts {
  readonly clock: Clock;
  readonly hosts: OutboundHosts;
}
