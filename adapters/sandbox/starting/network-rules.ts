import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { PerennialError } from '../../../contracts/errors.ts';
import { specialNetworks } from '../../../contracts/settings/special-networks.ts';
import type { PublicNetwork } from './public-network.ts';

/** Network that slirp4netns uses in each sandbox. */
const ownNetwork = '10.0.2.0/24';

/**
 * Returns what a public network reaches: everything but special networks and this machine's own addresses, unless they
 * are allowed. Throws `invalid-setting`.
 */
export async function publicNetwork(slirp4netns: string, allow: readonly string[]): Promise<PublicNetwork> {
  const allowed = (await Promise.all(allow.map(networksOf))).flat();
  const special = specialNetworks.flatMap(({ network, prefix, family }) =>
    family === 'ipv4' ? [`${network}/${prefix}`] : [],
  );
  const isLoopback = (network: string): boolean => network.startsWith('127.');
  return {
    slirp4netns,
    unreachable: [...special, ...ownAddresses()].filter(
      (network) => !isLoopback(network) && !allowed.some((wider) => covers(wider, network)),
    ),
    // Loopback networks are left out, because the sandbox has a loopback address of its own.
    allowed: allowed.filter((network) => !isLoopback(network) && network !== ownNetwork && network !== '0.0.0.0/0'),
    hostLoopback: allowed.some((network) => covers(network, '127.0.0.1/32') || isLoopback(network)),
  };
}

function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((addresses) =>
    (addresses ?? []).flatMap(({ address, family }) => (family === 'IPv4' ? [`${address}/32`] : [])),
  );
}

/**
 * Returns a network as it is, and a host name as its current addresses. Throws `invalid-setting` for a name without an
 * address.
 */
async function networksOf(text: string): Promise<string[]> {
  const [address = '', prefix] = text.split('/');
  if (isIP(address) === 4) return [`${address}/${prefix ?? '32'}`];
  const found = await lookup(text, { all: true, family: 4 }).catch(() => {
    throw new PerennialError(
      'invalid-setting',
      `PERENNIAL_SANDBOX_ALLOW names ${text}, which has no IPv4 address; correct or remove this entry`,
      { name: text },
    );
  });
  return found.map((one) => `${one.address}/32`);
}

/** Returns whether every address of `inner` lies in `outer`. Both are written as `10.0.0.0/8`. */
function covers(outer: string, inner: string): boolean {
  const [[outerAddress = '', outerPrefix], [innerAddress = '', innerPrefix]] = [outer.split('/'), inner.split('/')];
  if (Number(outerPrefix) > Number(innerPrefix)) return false;
  const list = new BlockList();
  list.addSubnet(outerAddress, Number(outerPrefix), 'ipv4');
  return list.check(innerAddress, 'ipv4');
}
