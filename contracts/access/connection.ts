import { z } from 'zod';
import { Id, Instant, Name } from '../identifiers.ts';

const Secret = z.string().min(1).max(16_384);
const HttpUrl = z.url({ protocol: /^https?$/ }).max(2_000);

export const WebhookConnection = z.strictObject({
  kind: z.literal('webhook'),
  url: HttpUrl.describe('Where messages are posted'),
  secret: z
    .string()
    .regex(
      /^whsec_[A-Za-z0-9+/]{32,88}={0,2}$/,
      'expected whsec_ and 24 to 64 bytes in base64, as Standard Webhooks has it',
    )
    .describe('What messages are signed with'),
});
export type WebhookConnection = z.infer<typeof WebhookConnection>;

export const S3Connection = z.strictObject({
  kind: z.literal('s3'),
  endpoint: HttpUrl.describe('Of the store'),
  bucket: z.string().min(1).max(255),
  accessKey: Secret,
  secretKey: Secret,
  region: z.string().min(1).max(64).default('us-east-1'),
});
export type S3Connection = z.infer<typeof S3Connection>;

export const PostgresConnection = z.strictObject({
  kind: z.literal('postgres'),
  url: z
    .url({ protocol: /^postgres(ql)?$/ })
    .max(2_000)
    .describe('With user and password'),
});
export type PostgresConnection = z.infer<typeof PostgresConnection>;

export const GitConnection = z
  .strictObject({
    kind: z.literal('git'),
    url: z
      .string()
      .min(1)
      .max(2_000)
      .optional()
      .describe('The only repository, or the beginning of those, that it is for'),
    token: Secret.optional().describe('For https, and for reporting the status of a commit'),
    sshKey: Secret.optional().describe('A private key, for ssh'),
    knownHosts: Secret.optional().describe("The hosts' public keys, as lines of known_hosts; wanted beside an sshKey"),
    webhookSecret: z.string().min(16).max(1_000).optional().describe('What pushes are signed with'),
    api: HttpUrl.optional().describe('Of the server, where a commit has a status; https://api.github.com when absent'),
  })
  .refine(
    ({ token, sshKey, webhookSecret }) => [token, sshKey, webhookSecret].some((secret) => secret !== undefined),
    'wants a token, an sshKey or a webhookSecret',
  )
  .refine(
    ({ sshKey, knownHosts }) => (sshKey === undefined) === (knownHosts === undefined),
    'wants an sshKey and knownHosts together: without the keys of the hosts anybody could answer in their place',
  );
export type GitConnection = z.infer<typeof GitConnection>;

/** What a connection is, its secrets among it: taken, stored encrypted, and never given out over HTTP. */
export const ConnectionSettings = z.discriminatedUnion('kind', [
  WebhookConnection,
  S3Connection,
  PostgresConnection,
  GitConnection,
]);
export type ConnectionSettings = z.infer<typeof ConnectionSettings>;
export type ConnectionKind = ConnectionSettings['kind'];

/** What anybody is shown of a connection. */
export const Connection = z.object({
  project: Name,
  name: Name,
  kind: z.enum(['webhook', 's3', 'postgres', 'git']),
  /** Where it leads, without what would let anybody in. */
  target: z.string(),
  recordedAt: Instant,
  recordedBy: Id,
});
export type Connection = z.infer<typeof Connection>;

/** Where it leads, for people: neither credentials nor a path or query, which may hold some. */
export function connectionTarget(settings: ConnectionSettings): string {
  switch (settings.kind) {
    case 'webhook':
      return new URL(settings.url).origin;
    case 's3':
      return `${new URL(settings.endpoint).origin}/${settings.bucket}`;
    case 'postgres': {
      const { host, pathname } = new URL(settings.url);
      return `${host}${pathname}`;
    }
    case 'git':
      return settings.url === undefined ? 'any repository' : withoutCredentials(settings.url);
  }
}

function withoutCredentials(url: string): string {
  return url.replace(/^([a-z+]+:\/\/)[^/@]*@/, '$1');
}
