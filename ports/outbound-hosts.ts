/** What names in configurations may lead to. */
export interface OutboundHosts {
  /**
   * The one address to connect to, looked up once, so that a name that answers otherwise a moment later leads nowhere
   * else. `source-refused` if any address of the name is private, loopback or link-local and such are not allowed;
   * `source-unavailable` if it has none.
   */
  resolve(hostname: string): Promise<{ readonly address: string; readonly family: 4 | 6 }>;
}
