import { Agent as HttpAgent, request } from 'node:http';
import { Agent as HttpsAgent, request as requestSecurely } from 'node:https';
import { connect, type Socket } from 'node:net';
import { proxyName } from '../../contracts/settings/proxies.ts';
import { reasonOf } from '../../contracts/errors.ts';
import type { OutboundRoute } from '../../ports/outbound-hosts.ts';
import { postTo } from './post-to.ts';

interface Address {
  readonly address: string;
  readonly family: 4 | 6;
}

const tunnelWithinMs = 30_000;

/** Returns a route without a proxy. With `found`, it connects to that address and does not look the name up again. */
export function directRoute(url: URL, found?: Address): OutboundRoute {
  const options = found === undefined ? { keepAlive: true } : { lookup: lookupOf(found) };
  const host = found?.address ?? url.hostname.replace(/^\[(.*)\]$/, '$1');
  const agent = url.protocol === 'https:' ? new HttpsAgent(options) : new HttpAgent(options);
  return {
    agent,
    post: (message) => postTo(url, agent, message),
    connect: () => connected(connect({ host, port: portOf(url) })),
    reasonOf,
    refusalOf: () => undefined,
  };
}

/** Returns a route through a proxy, which looks the name up. */
export function proxiedRoute(url: URL, proxy: URL): OutboundRoute {
  // Without the agent's timeout, a request would wait forever for a proxy that never opens its tunnel.
  const options = { proxyEnv: { HTTP_PROXY: proxy.href, HTTPS_PROXY: proxy.href }, timeout: tunnelWithinMs };
  const agent = url.protocol === 'https:' ? new HttpsAgent(options) : new HttpAgent(options);
  const name = `the proxy ${proxyName(proxy)}`;
  const refusalOf = (status: number): string | undefined =>
    status === 407
      ? `${name} needs a user and a password: write its address as http://user:password@host:port`
      : undefined;
  return {
    agent,
    post: (message) => postTo(url, agent, message),
    connect: () => tunnel(url, proxy),
    reasonOf: (caught) => {
      const reason = reasonOf(caught);
      const status = /HTTP\/1\.\d (\d{3})/.exec(reason)?.[1];
      return (status && refusalOf(Number(status))) ?? `${reason} (through ${name})`;
    },
    refusalOf,
  };
}

function lookupOf({ address, family }: Address) {
  return (
    _hostname: string,
    options: { readonly all?: boolean },
    found: (error: null, address: string | Address[], family?: number) => void,
  ): void => {
    if (options.all === true) found(null, [{ address, family }]);
    else found(null, address, family);
  };
}

function connected(socket: Socket): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  socket.once('connect', () => resolve(socket));
  socket.once('error', reject);
  return promise;
}

/** Opens a connection to the host through the proxy (CONNECT, RFC 9110). */
function tunnel(url: URL, proxy: URL): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const authority = `${url.hostname}:${portOf(url)}`;
  const asked = (proxy.protocol === 'https:' ? requestSecurely : request)({
    host: proxy.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: portOf(proxy),
    method: 'CONNECT',
    path: authority,
    headers: { host: authority, ...authorizationOf(proxy) },
    agent: false,
    signal: AbortSignal.timeout(tunnelWithinMs),
  });
  asked.once('connect', ({ statusCode }, socket: Socket, head: Buffer) => {
    if (statusCode !== 200) {
      socket.destroy();
      reject(new Error(`the proxy answered CONNECT with HTTP/1.1 ${statusCode}`));
      return;
    }
    if (head.length > 0) socket.unshift(head);
    resolve(socket);
  });
  // Some proxies refuse CONNECT with an ordinary response.
  asked.once('response', (response) => {
    response.destroy();
    reject(new Error(`the proxy answered CONNECT with HTTP/1.1 ${response.statusCode}`));
  });
  asked.once('error', (caught) =>
    reject(caught.name === 'AbortError' ? new Error(`no answer within ${tunnelWithinMs / 1000} s`) : caught),
  );
  asked.end();
  return promise;
}

function authorizationOf({ username, password }: URL): Record<string, string> {
  if (username === '') return {};
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}` };
}

function portOf(url: URL): number {
  return url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
}
