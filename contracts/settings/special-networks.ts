/**
 * Networks that are not part of the public internet, according to the registries of special-purpose addresses (RFC
 * 6890, RFC 8190), and the IPv6 prefixes that embed an IPv4 address. Without those prefixes, an embedded address would
 * bypass the other entries.
 */
export const specialNetworks: readonly {
  readonly network: string;
  readonly prefix: number;
  readonly family: 'ipv4' | 'ipv6';
}[] = [
  { network: '0.0.0.0', prefix: 8, family: 'ipv4' },
  { network: '10.0.0.0', prefix: 8, family: 'ipv4' },
  { network: '100.64.0.0', prefix: 10, family: 'ipv4' },
  { network: '127.0.0.0', prefix: 8, family: 'ipv4' },
  { network: '169.254.0.0', prefix: 16, family: 'ipv4' },
  { network: '172.16.0.0', prefix: 12, family: 'ipv4' },
  { network: '192.0.0.0', prefix: 24, family: 'ipv4' },
  { network: '192.0.2.0', prefix: 24, family: 'ipv4' },
  { network: '192.88.99.0', prefix: 24, family: 'ipv4' },
  { network: '192.168.0.0', prefix: 16, family: 'ipv4' },
  { network: '198.18.0.0', prefix: 15, family: 'ipv4' },
  { network: '198.51.100.0', prefix: 24, family: 'ipv4' },
  { network: '203.0.113.0', prefix: 24, family: 'ipv4' },
  { network: '224.0.0.0', prefix: 3, family: 'ipv4' },
  { network: '::', prefix: 96, family: 'ipv6' },
  { network: '::ffff:0:0', prefix: 96, family: 'ipv6' },
  { network: '64:ff9b::', prefix: 96, family: 'ipv6' },
  { network: '64:ff9b:1::', prefix: 48, family: 'ipv6' },
  { network: '100::', prefix: 64, family: 'ipv6' },
  { network: '2001::', prefix: 23, family: 'ipv6' },
  { network: '2001:db8::', prefix: 32, family: 'ipv6' },
  { network: '2002::', prefix: 16, family: 'ipv6' },
  { network: 'fc00::', prefix: 7, family: 'ipv6' },
  { network: 'fe80::', prefix: 10, family: 'ipv6' },
  { network: 'fec0::', prefix: 10, family: 'ipv6' },
  { network: 'ff00::', prefix: 8, family: 'ipv6' },
];
