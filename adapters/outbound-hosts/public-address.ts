import { BlockList, isIP } from 'node:net';
import { specialNetworks } from '../../contracts/settings/special-networks.ts';

// Two lists: in a single one, the prefix of IPv4 addresses mapped to IPv6 would match every IPv4 address.
const notPublic = { ipv4: new BlockList(), ipv6: new BlockList() };
for (const { network, prefix, family } of specialNetworks) notPublic[family].addSubnet(network, prefix, family);

export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 0) return false;
  return family === 4 ? !notPublic.ipv4.check(address, 'ipv4') : !notPublic.ipv6.check(address, 'ipv6');
}
