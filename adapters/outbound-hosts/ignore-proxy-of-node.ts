import { setGlobalProxyFromEnv } from 'node:http';

/**
 * Turns off Node's own use of proxies. If NODE_USE_ENV_PROXY is set, Node sends every request of the process through
 * the proxy, even those to this machine. `contracts/settings/proxies.ts` decides which requests use a proxy.
 */
export function ignoreProxyOfNode(): void {
  // The call has no effect unless it names a proxy, so it names one and exempts every host.
  setGlobalProxyFromEnv({ http_proxy: 'http://localhost', https_proxy: 'http://localhost', no_proxy: '*' });
}
