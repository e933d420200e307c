import type { Agent } from 'node:http';
import type { Socket } from 'node:net';

/** Decides which hosts a user's configuration may reach, and by which route. */
export interface OutboundHosts {
  /**
   * Looks the name up once and returns the one address to connect to, so that a later, different DNS answer changes
   * nothing. For protocols that do not go through a proxy. Errors: `source-refused` if any address of the name is
   * private, loopback or link-local and such addresses are not allowed; `source-unavailable` if the name has no
   * address.
   */
  resolve(hostname: string): Promise<{ readonly address: string; readonly family: 4 | 6 }>;
  /**
   * Returns the route to an http or https address: the single address of its host, found and checked as in `resolve`,
   * or the configured proxy. A host that this machine knows to be private is refused even with a proxy. If only the
   * proxy can look the name up, the proxy must check the target.
   */
  route(url: URL): Promise<OutboundRoute>;
  /** Returns the route to an address configured by an administrator, which may be private. */
  trustedRoute(url: URL): OutboundRoute;
}

export interface OutboundPost {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly withinMs: number;
  readonly signal?: AbortSignal;
}

export interface OutboundRoute {
  /** Agent for node:http and node:https requests to this host. Connections to a checked address are not reused. */
  readonly agent: Agent;
  /** Posts to the address and returns the status. Follows no redirect and does not read the response body. */
  post(message: OutboundPost): Promise<number>;
  /** Opens a connection to the host and port of the address, for any other protocol. */
  connect(): Promise<Socket>;
  /** Returns why a request over this route failed. Names the proxy, if there is one, without its password. */
  reasonOf(caught: unknown): string;
  /** Returns a sentence that says what to do if the status is a refusal by the proxy itself, else `undefined`. */
  refusalOf(status: number): string | undefined;
}
