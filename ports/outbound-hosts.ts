import type { Agent } from 'node:http';
import type { Socket } from 'node:net';

/** What names in configurations may lead to, and by which way. */
export interface OutboundHosts {
  /**
   * The one address to connect to, looked up once, so that a name that answers otherwise a moment later leads nowhere
   * else. `source-refused` if any address of the name is private, loopback or link-local and such are not allowed;
   * `source-unavailable` if it has none. For protocols that no proxy is asked for.
   */
  resolve(hostname: string): Promise<{ readonly address: string; readonly family: 4 | 6 }>;
  /**
   * The way to an address over http or https: the one address of its host, as `resolve` finds and checks it, or the proxy
   * that the settings name. A host that this machine knows to be private is refused for a proxy too; where the proxy
   * alone can look a name up, where it leads is for the proxy to check.
   */
  route(url: URL): Promise<OutboundRoute>;
  /** The same to an address that an administrator named, which may be private. */
  trustedRoute(url: URL): OutboundRoute;
}

export interface OutboundPost {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly withinMs: number;
  readonly signal?: AbortSignal;
}

export interface OutboundRoute {
  /** For requests of node:http and node:https to this host. A connection to a checked address is not taken twice. */
  readonly agent: Agent;
  /** Posts to the address and returns the status. Follows no redirect and reads no answer. */
  post(message: OutboundPost): Promise<number>;
  /** A connection to the host and the port of the address, for a protocol of the caller's own. */
  connect(): Promise<Socket>;
  /** Why a request by this way failed. Names the proxy if there is one, without its password. */
  reasonOf(caught: unknown): string;
  /** The proxy's own refusal, if this answer is one: a sentence with the way out. */
  refusalOf(status: number): string | undefined;
}
