import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { PerennialError, reasonOf } from '../../contracts/errors.ts';
import type { OutboundHosts } from '../../ports/outbound-hosts.ts';
import type { Proxies } from '../../contracts/settings/proxies.ts';
import { noProxies, proxyFor } from '../../contracts/settings/proxies.ts';
import { isPublicAddress } from './public-address.ts';
import { directRoute, proxiedRoute } from './routes.ts';

export interface OutboundSettings {
  /** Also allows private, loopback and link-local addresses, for sources in the administrator's own network. */
  readonly allowPrivate: boolean;
  /** Proxies for outgoing requests. Default: none. */
  readonly proxies?: Proxies;
  /** Returns all addresses of a host name. Default: the system's resolver. */
  readonly lookupAll?: (hostname: string) => Promise<readonly { readonly address: string }[]>;
}

type LookupAll = NonNullable<OutboundSettings['lookupAll']>;

/**
 * Time limit of a lookup when a proxy is used, in milliseconds. Behind a proxy this machine's resolver may not know
 * internet names, and may take long to fail.
 */
const lookupBesideProxyMs = 3_000;

export function createOutboundHosts(settings: OutboundSettings): OutboundHosts {
  const { allowPrivate, proxies = noProxies } = settings;
  const lookupAll = settings.lookupAll ?? ((hostname: string) => lookup(hostname, { all: true, order: 'ipv4first' }));

  async function resolve(hostname: string) {
    const name = withoutBrackets(hostname);
    const found = isIP(name) === 0 ? await addressesOf(name, lookupAll) : [{ address: name }];
    if (!allowPrivate) refusePrivate(name, found);
    const [first] = found;
    if (first === undefined) throw unknownHost(name, 'the name has no address');
    return { address: first.address, family: isIP(first.address) === 6 ? (6 as const) : (4 as const) };
  }

  return {
    resolve,
    async route(url) {
      const proxy = proxyFor(proxies, url);
      if (proxy === null) return directRoute(url, await resolve(url.hostname));
      const name = withoutBrackets(url.hostname);
      if (!allowPrivate) refusePrivate(name, isIP(name) === 0 ? await knownHere(name, lookupAll) : [{ address: name }]);
      return proxiedRoute(url, proxy);
    },
    trustedRoute(url) {
      const proxy = proxyFor(proxies, url);
      return proxy === null ? directRoute(url) : proxiedRoute(url, proxy);
    },
  };
}

function withoutBrackets(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}

/** Refuses a name if any of its addresses is private, because the name's owner decides which address would be used. */
function refusePrivate(name: string, found: readonly { readonly address: string }[]): void {
  const inside = found.find(({ address }) => !isPublicAddress(address));
  if (inside !== undefined) throw refused(name, inside.address);
}

/**
 * Returns the addresses that this machine's resolver knows for a name; none if it does not know the name or is slow.
 */
async function knownHere(name: string, lookupAll: LookupAll): Promise<readonly { readonly address: string }[]> {
  const { promise: late, resolve: giveUp } = Promise.withResolvers<readonly []>();
  const timer = setTimeout(() => giveUp([]), lookupBesideProxyMs);
  try {
    return await Promise.race([lookupAll(name).catch(() => []), late]);
  } finally {
    clearTimeout(timer);
  }
}

async function addressesOf(name: string, lookupAll: LookupAll): Promise<readonly { readonly address: string }[]> {
  try {
    return await lookupAll(name);
  } catch (caught) {
    throw unknownHost(name, reasonOf(caught));
  }
}

function refused(host: string, address: string): PerennialError {
  const leads = host === address ? `${host} is` : `${host} resolves to ${address},`;
  return new PerennialError(
    'source-refused',
    `${leads} an address that is not public; an administrator can allow such addresses with PERENNIAL_ALLOW_PRIVATE_SOURCES=true`,
    { host, address },
  );
}

function unknownHost(host: string, reason: string): PerennialError {
  return new PerennialError('source-unavailable', `the host ${host} cannot be found: ${reason}; check the name`, {
    host,
  });
}
