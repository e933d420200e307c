import type { WebhookConnection } from '../../contracts/access/notifier-kinds.ts';
import { Webhook } from 'standardwebhooks';
import { PerennialError } from '../../contracts/errors.ts';
import type { NotifierOf } from '../../ports/notifier.ts';
import type { NotifierParts } from './notifier-parts.ts';

const patienceMs = 10_000;

/**
 * Creates a notifier that sends webhooks as specified at https://www.standardwebhooks.com. A resolver that refuses
 * addresses that are not public resolves the host once, and the connection goes to that address. If a proxy is
 * configured, the connection goes to the proxy.
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
        'webhook-id': id,
        'webhook-timestamp': Math.floor(sentAt.getTime() / 1000).toString(),
        'webhook-signature': new Webhook(connection.secret).sign(id, sentAt, body),
      };
      const status = await route.post({ headers, body, withinMs: patienceMs, signal }).catch((caught: unknown) => {
        signal.throwIfAborted();
        throw failure(url, route.reasonOf(caught), caught);
      });
      if (status >= 200 && status < 300) return;
      throw failure(url, route.refusalOf(status) ?? `it answered with status ${status}`);
    },
  };
}

/** Returns the error. It names only the host, because the path may hold a secret. */
function failure(url: URL, reason: string, cause?: unknown): PerennialError {
  return new PerennialError(
    'notification-failed',
    `the webhook at ${url.host} could not be notified: ${reason}`,
    { host: url.host },
    { cause },
  );
}
