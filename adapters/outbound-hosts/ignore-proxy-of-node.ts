import { setGlobalProxyFromEnv } from 'node:http';

/**
 * Where NODE_USE_ENV_PROXY is set, Node itself sends every request of the process through the proxy, those to this machine
 * too. Which requests go through a proxy is for `contracts/settings/proxies.ts` to say.
 */
export function ignoreProxyOfNode(): void {
  // Without a proxy in it, the call changes nothing.
  setGlobalProxyFromEnv({ http_proxy: 'http://localhost', https_proxy: 'http://localhost', no_proxy: '*' });
}
