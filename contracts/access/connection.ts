import { z } from 'zod';
import { Id, Instant, Name } from '../identifiers.ts';
import { optionsOf, registeredNames } from '../registered-names.ts';
import { connectionKind, HttpUrl } from './connection-kind.ts';
import { notifierKinds } from './notifier-kinds.ts';

const Secret = z.string().min(1).max(16_384);

export const S3Connection = z.strictObject({
  kind: z.literal('s3'),
  endpoint: HttpUrl.describe('Address of the object store'),
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
    .describe('Address of the database, with user and password'),
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
      .describe(
        'The only repository that the connection is used for, or the beginning of the addresses of several repositories; when absent, the connection is used for any repository',
      ),
    token: Secret.optional().describe('Token for repositories over https, and for reporting the status of a commit'),
    sshKey: Secret.optional().describe('A private key, for repositories over ssh'),
    knownHosts: Secret.optional().describe("The hosts' public keys, as lines of known_hosts; required with sshKey"),
    webhookSecret: z
      .string()
      .min(16)
      .max(1_000)
      .optional()
      .describe('The secret with which the git server signs its webhook requests'),
    api: HttpUrl.optional().describe(
      "Address of the git server's API, for the status of commits; https://api.github.com when absent",
    ),
  })
  .refine(
    ({ token, sshKey, webhookSecret }) => [token, sshKey, webhookSecret].some((secret) => secret !== undefined),
    'expected token, sshKey or webhookSecret',
  )
  .refine(
    ({ sshKey, knownHosts }) => (sshKey === undefined) === (knownHosts === undefined),
    'expected sshKey and knownHosts together, because without the public keys of the hosts anybody could impersonate a host',
  );
export type GitConnection = z.infer<typeof GitConnection>;

/** All kinds of connections; the kinds of notifiers come first. */
export const connectionKinds = {
  ...notifierKinds,
  s3: connectionKind({
    settings: S3Connection,
    help: '{endpoint, bucket, accessKey, secretKey, region}',
    target: ({ endpoint, bucket }) => `${new URL(endpoint).origin}/${bucket}`,
  }),
  postgres: connectionKind({
    settings: PostgresConnection,
    help: '{url}',
    target({ url }) {
      const { host, pathname } = new URL(url);
      return `${host}${pathname}`;
    },
  }),
  git: connectionKind({
    settings: GitConnection,
    help: '{url, token, sshKey with knownHosts, webhookSecret, api}',
    target: ({ url }) => (url === undefined ? 'any repository' : withoutCredentials(url)),
  }),
};
export type ConnectionKind = keyof typeof connectionKinds;
export const connectionKindNames = registeredNames(connectionKinds);

const [firstSettings, ...otherSettings] = optionsOf(connectionKinds);

/** The settings of a connection, including its secrets. They are stored encrypted and never returned over HTTP. */
export const ConnectionSettings = z.discriminatedUnion('kind', [
  firstSettings.settings,
  ...otherSettings.map(({ settings }) => settings),
]);
export type ConnectionSettings = z.infer<typeof ConnectionSettings>;

/** The part of a connection that anyone may see. */
export const Connection = z.object({
  project: Name,
  name: Name,
  kind: z.enum(connectionKindNames),
  /** The destination, without credentials. */
  target: z.string(),
  recordedAt: Instant,
  recordedBy: Id,
});
export type Connection = z.infer<typeof Connection>;

/** Returns the destination of a connection for display, without credentials. */
export function connectionTarget(settings: ConnectionSettings): string {
  const { target }: { target(settings: ConnectionSettings): string } = connectionKinds[settings.kind];
  return target(settings);
}

function withoutCredentials(url: string): string {
  return url.replace(/^([a-z+]+:\/\/)[^/@]*@/, '$1');
}
