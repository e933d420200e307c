import { z } from 'zod';
import { registeredNames } from '../registered-names.ts';
import { connectionKind, HttpUrl } from './connection-kind.ts';

/**
 * The kinds of connections to which messages are sent. `adapters/notifier/` sends them, in a file such as
 * `webhook-notifier.ts`; connections, the texts of the configuration schema and the command line's help derive from
 * these entries.
 */
export const notifierKinds = {
  webhook: connectionKind({
    settings: z.strictObject({
      kind: z.literal('webhook'),
      url: HttpUrl.describe('The address that messages are posted to'),
      secret: z
        .string()
        .regex(
          /^whsec_[A-Za-z0-9+/]{32,88}={0,2}$/,
          'expected whsec_ followed by 24 to 64 bytes in base64, as in Standard Webhooks',
        )
        .describe('The secret that messages are signed with'),
    }),
    help: '{url, secret: whsec_…}',
    target: ({ url }) => new URL(url).origin,
  }),
};
export type NotifierKind = keyof typeof notifierKinds;
export type NotifierConnection = z.infer<(typeof notifierKinds)[NotifierKind]['settings']>;
export type WebhookConnection = Extract<NotifierConnection, { kind: 'webhook' }>;

export const notifierKindNames = registeredNames(notifierKinds);
