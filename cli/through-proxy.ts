import { setGlobalProxyFromEnv } from 'node:http';
import { PerennialError } from '../contracts/errors.ts';
import { proxiesOf, proxyFor, proxyName } from '../contracts/settings/proxies.ts';

const thisMachine = 'localhost,127.0.0.1,[::1]';

/**
 * Makes `fetch` reach the API through the proxy that HTTPS_PROXY, HTTP_PROXY and NO_PROXY select for it. Returns the
 * proxy's name, or null for a direct connection. Requests to this machine stay direct, whatever Node's own variables
 * say.
 */
export function throughProxy(url: string, env: Readonly<Record<string, string | undefined>>): string | null {
  const proxy = proxyFor(proxiesOf(env), new URL(url));
  if (proxy === null) {
    useProxy('http://localhost', '*');
    return null;
  }
  useProxy(proxy.href, thisMachine);
  return proxyName(proxy);
}

function useProxy(proxy: string, except: string): void {
  try {
    setGlobalProxyFromEnv({ http_proxy: proxy, https_proxy: proxy, no_proxy: except });
  } catch (caught) {
    // The original message would reveal the proxy's password.
    throw new PerennialError(
      'invalid-setting',
      'the proxy in HTTPS_PROXY or HTTP_PROXY cannot be used; correct its address',
      {},
      { cause: caught },
    );
  }
}
