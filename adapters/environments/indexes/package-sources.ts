import type { Proxies } from '../../../contracts/settings/proxies.ts';

/** How the administrator has this worker reach hosts: certificates, proxies, patience. */
export interface Reach {
  /** Certificates of authorities besides the usual ones, as PEM. */
  readonly authorities: readonly string[];
  /** A certificate of the worker's own with its key, as PEM. */
  readonly clientCertificate: string | undefined;
  /** Hosts, or `host:port`, whose certificates are not checked. */
  readonly trustedHosts: readonly string[];
  readonly proxies: Proxies;
  /** After so long without a byte a host counts as silent. */
  readonly idleMs: number;
}

/** Where pip's packages come from. Addresses may hold credentials, which nobody but the proxy of the index sees. */
export interface PipSources {
  readonly indexes: readonly string[];
  /** Folders of this machine, and pages that list files. */
  readonly findLinks: readonly string[];
  readonly reach: Reach;
}

export interface NpmSources {
  readonly registry: string;
  /** By scope, such as `@team`. */
  readonly scopedRegistries: ReadonlyMap<string, string>;
  /** Authorization headers by the start of an address without its protocol, such as `//npm.example/team/`. */
  readonly authorizations: ReadonlyMap<string, string>;
  readonly reach: Reach;
}

/** An address as messages and comparisons have it: without credentials, query and trailing slashes. */
export function comparableAddress(address: string): string {
  if (!URL.canParse(address)) return address.replace(/\/+$/, '');
  const url = new URL(address);
  return `${url.protocol}//${url.host}${url.pathname}`.replace(/\/+$/, '');
}
