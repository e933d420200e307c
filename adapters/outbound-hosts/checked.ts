import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { PerennialError, reasonOf } from '../../contracts/errors.ts';
import type { OutboundHosts } from '../../ports/outbound-hosts.ts';
import { isPublicAddress } from './publicAddress.ts';

export interface OutboundSettings {
  /** Private, loopback and link-local addresses too: for sources inside one's own network. */
  readonly allowPrivate: boolean;
  /** Default: the system's resolver. */
  readonly lookupAll?: (hostname: string) => Promise<readonly { readonly address: string }[]>;
}

export function createOutboundHosts(settings: OutboundSettings): OutboundHosts {
  const lookupAll = settings.lookupAll ?? ((hostname: string) => lookup(hostname, { all: true, order: 'ipv4first' }));
  return {
    async resolve(hostname) {
      const name = hostname.replace(/^\[(.*)\]$/, '$1');
      const found = isIP(name) === 0 ? await addressesOf(name, lookupAll) : [{ address: name }];
      const inside = found.find(({ address }) => !isPublicAddress(address));
      // One private address among public ones is refused too: which of them would be taken is up to the name's owner.
      if (inside !== undefined && !settings.allowPrivate) throw refused(name, inside.address);
      const [first] = found;
      if (first === undefined) throw unknownHost(name, 'it has no address');
      return { address: first.address, family: isIP(first.address) === 6 ? 6 : 4 };
    },
  };
}

async function addressesOf(
  name: string,
  lookupAll: NonNullable<OutboundSettings['lookupAll']>,
): Promise<readonly { readonly address: string }[]> {
  try {
    return await lookupAll(name);
  } catch (caught) {
    throw unknownHost(name, reasonOf(caught));
  }
}

function refused(host: string, address: string): PerennialError {
  const leads = host === address ? `${host} is` : `${host} leads to ${address},`;
  return new PerennialError(
    'source-refused',
    `${leads} an address that is not public; an administrator allows such by PERENNIAL_ALLOW_PRIVATE_SOURCES=true`,
    { host, address },
  );
}

function unknownHost(host: string, reason: string): PerennialError {
  return new PerennialError('source-unavailable', `the host ${host} cannot be found: ${reason}; check its name`, {
    host,
  });
}
