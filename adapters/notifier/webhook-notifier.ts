import type { IncomingMessage } from 'node:http';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { WebhookConnection } from '../../contracts/access/notifier-kinds.ts';
import { Webhook } from 'standardwebhooks';
import { PerennialError } from '../../contracts/errors.ts';
import type { NotifierOf } from '../../ports/notifier.ts';
import type { OutboundRoute } from '../../ports/outbound-hosts.ts';
import type { NotifierParts } from './notifier-parts.ts';

const patienceMs = 10_000;

/**
 * Webhooks as https://www.standardwebhooks.com has them. The host is resolved once, by a resolver that refuses what is not
 * public, and what it answered is what is connected to, unless a proxy is; redirects are not followed, as they could lead
 * anywhere.
 */
export function createWebhookNotifier(parts: NotifierParts): NotifierOf<WebhookConnection> {
  return {
    async send(connection, { id, type, at, data }, signal) {
      const url = new URL(connection.url);
      const route = await parts.hosts.route(url);
      const body = JSON.stringify({ type, timestamp: at, data });
      const sentAt = new Date(parts.clock.now());
      const headers = {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body).toString(),
        'user-agent': 'perennial',
        'webhook-id': id,
        'webhook-timestamp': Math.floor(sentAt.getTime() / 1000).toString(),
        'webhook-signature': new Webhook(connection.secret).sign(id, sentAt, body),
      };
      const status = await post(url, { body, headers, route, signal });
      if (status >= 200 && status < 300) return;
      throw failure(url, route.refusalOf(status) ?? `it answered ${status}`);
    },
  };
}

interface Post {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly route: OutboundRoute;
  readonly signal: AbortSignal;
}

async function post(url: URL, { body, headers, route, signal }: Post): Promise<number> {
  const request = url.protocol === 'https:' ? requestHttps : requestHttp;
  const until = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request(
        url,
        {
          method: 'POST',
          headers,
          signal: until,
          agent: route.agent,
        },
        resolve,
      )
        .on('error', reject)
        .end(body);
    });
    // What it says besides is nobody's business, and could be without end.
    response.destroy();
    return response.statusCode ?? 0;
  } catch (caught) {
    signal.throwIfAborted();
    throw failure(url, until.aborted ? late(route) : route.reasonOf(caught), caught);
  }
}

function late(route: OutboundRoute): string {
  return route.reasonOf(new Error(`it did not answer within ${patienceMs / 1000} s`));
}

/** The path may hold a secret, so only the host is named. */
function failure(url: URL, reason: string, cause?: unknown): PerennialError {
  return new PerennialError(
    'notification-failed',
    `the webhook at ${url.host} was not told: ${reason}`,
    { host: url.host },
    { cause },
  );
}
