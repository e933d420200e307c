import type { Proxies } from '../../../contracts/settings/proxies.ts';

/** How this worker connects to hosts, as the administrator configured it: certificates, proxies and timeouts. */
export interface Reach {
  /** Certificates of additional authorities, as PEM. */
  readonly authorities: readonly string[];
  /** The worker's own client certificate with its key, as PEM. */
  readonly clientCertificate: string | undefined;
  /** Hosts (`host` or `host:port`) that are trusted without a certificate check. */
  readonly trustedHosts: readonly string[];
  readonly proxies: Proxies;
  /** Longest time without a byte, in milliseconds, before a host counts as silent. */
  readonly idleMs: number;
}

/** Sources of pip's packages. Addresses may hold credentials, which only the index proxy sees. */
export interface PipSources {
  readonly indexes: readonly string[];
  /** Folders of this machine, and addresses of pages that list files. */
  readonly findLinks: readonly string[];
  readonly reach: Reach;
}

export interface NpmSources {
  readonly registry: string;
  /** Registries by scope, such as `@team`. */
  readonly scopedRegistries: ReadonlyMap<string, string>;
  /** Authorization headers by address prefix without the protocol, such as `//npm.example/team/`. */
  readonly authorizations: ReadonlyMap<string, string>;
  readonly reach: Reach;
}

/** Returns an address for messages and comparisons: without credentials, query and trailing slashes. */
export function comparableAddress(address: string): string {
  if (!URL.canParse(address)) return address.replace(/\/+$/, '');
  const url = new URL(address);
  return `${url.protocol}//${url.host}${url.pathname}`.replace(/\/+$/, '');
}
