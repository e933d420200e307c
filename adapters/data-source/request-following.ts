import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { PerennialError } from '../../contracts/errors.ts';
import type { OutboundHosts } from '../../ports/outbound-hosts.ts';

export interface RequestSettings {
  readonly hosts: OutboundHosts;
  /** Longest time without a byte, in milliseconds, before the connection is closed. */
  readonly idleMs: number;
}

const redirectsAtMost = 5;
const redirecting = new Set([301, 302, 303, 307, 308]);

/**
 * Sends a GET and follows at most five redirects. Each host name is resolved once, its address is checked, and the
 * connection goes to that address, so that neither a redirect nor a second DNS answer can lead into the internal
 * network (CVE-2026-64849). If a proxy is configured, the proxy resolves the name.
 */
export async function requestFollowing(
  url: URL,
  headers: Readonly<Record<string, string>>,
  settings: RequestSettings,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  let at = url;
  for (let redirects = 0; ; redirects += 1) {
    const response = await get(at, headers, settings, signal);
    const { location } = response.headers;
    if (!redirecting.has(response.statusCode ?? 0) || location === undefined) return response;
    response.destroy();
    const next = URL.canParse(location, at) ? new URL(location, at) : undefined;
    const reason = next === undefined ? 'to an invalid address' : refusal(at, next, redirects);
    if (next === undefined || reason !== undefined)
      throw new PerennialError(
        'source-refused',
        `${url.origin}${url.pathname} redirects ${reason ?? ''}; use the final address of the file`,
        { url: `${url.origin}${url.pathname}` },
      );
    at = next;
  }
}

function refusal(from: URL, to: URL, redirects: number): string | undefined {
  if (redirects >= redirectsAtMost) return `more than ${redirectsAtMost} times`;
  if (to.protocol !== 'https:' && to.protocol !== 'http:') return `to ${to.protocol}, which is neither http nor https`;
  if (from.protocol === 'https:' && to.protocol === 'http:')
    return `from https to http, where anybody could change the file`;
  if (to.username !== '' || to.password !== '') return 'to an address with credentials in it';
  return undefined;
}

async function get(
  url: URL,
  headers: Readonly<Record<string, string>>,
  { hosts, idleMs }: RequestSettings,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const route = await hosts.route(url);
  try {
    const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, {
      agent: route.agent,
      headers: { accept: '*/*', 'accept-encoding': 'identity', 'user-agent': 'perennial', ...headers },
      timeout: idleMs,
      signal,
    });
    request.on('timeout', () => request.destroy(new Error(`no data arrived for ${idleMs / 1000} s`)));
    request.end();
    const [response]: IncomingMessage[] = await once(request, 'response');
    if (response === undefined) throw new Error('no answer arrived');
    const saidByProxy = route.refusalOf(response.statusCode ?? 0);
    if (saidByProxy === undefined) return response;
    response.destroy();
    throw new PerennialError('source-unavailable', `${url.origin}${url.pathname} cannot be reached: ${saidByProxy}`, {
      url: `${url.origin}${url.pathname}`,
    });
  } catch (caught) {
    signal.throwIfAborted();
    if (caught instanceof PerennialError) throw caught;
    throw new Error(route.reasonOf(caught), { cause: caught });
  }
}
