import type { Clock } from '../../ports/clock.ts';
import type { OutboundHosts } from '../../ports/outbound-hosts.ts';

/** Dependencies of every kind of notifier. */
export interface NotifierParts {
  readonly clock: Clock;
  readonly hosts: OutboundHosts;
}
