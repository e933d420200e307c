import type { Agent, IncomingMessage } from 'node:http';
import { request } from 'node:http';
import { request as requestSecurely } from 'node:https';
import type { OutboundPost } from '../../ports/outbound-hosts.ts';

/**
 * Posts and returns the status. Does not follow redirects, because they could lead anywhere and would take the headers
 * along.
 */
export async function postTo(
  url: URL,
  agent: Agent,
  { headers, body, withinMs, signal }: OutboundPost,
): Promise<number> {
  const late = AbortSignal.timeout(withinMs);
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const options = {
    method: 'POST',
    headers: { ...headers, 'content-length': Buffer.byteLength(body), 'user-agent': 'perennial' },
    agent,
    signal: signal === undefined ? late : AbortSignal.any([signal, late]),
  };
  (url.protocol === 'https:' ? requestSecurely : request)(url, options, resolve).on('error', reject).end(body);
  try {
    const response = await promise;
    // The rest of the answer is not needed and could be endless.
    response.destroy();
    return response.statusCode ?? 0;
  } catch (caught) {
    signal?.throwIfAborted();
    if (!late.aborted) throw caught;
    throw new Error(`the host did not answer within ${withinMs / 1000} s`, { cause: caught });
  }
}
