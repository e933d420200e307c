import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { Configuration } from '../../../contracts/configuration/configuration.ts';
import { sha256OfBytes } from '../../../contracts/digest.ts';
import { PerennialError } from '../../../contracts/errors.ts';
import type { GitSource } from '../../../contracts/code/git-source.ts';
import { repositoryOf } from '../../../contracts/code/git-source.ts';
import type { Scope } from '../../../contracts/identifiers.ts';
import { Name } from '../../../contracts/identifiers.ts';
import { Run } from '../../../contracts/runs/run.ts';
import type { Api, RouteContext } from '../../route-context.ts';
import { ModelParams, problems } from '../../request-shapes.ts';
import { wakeLifecycle } from '../../submission.ts';

const limitBytes = 5 * 1024 ** 2;
/** The principal recorded in the ledger for runs started by a push. */
const pusher = 'git-webhook';

const Query = z.strictObject({ project: Name.default('default'), environment: Name.default('production') });
const Headers = z.object({
  // Optional here and checked after the signature, so that callers without a valid signature learn nothing else.
  'x-github-event': z.string().max(100).default(''),
  'x-github-delivery': z.string().min(1).max(200).optional(),
  'x-hub-signature-256': z.string().max(200).optional(),
});
const Push = z.object({
  ref: z.string().max(1_000),
  after: z.string().regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/),
  deleted: z.boolean().default(false),
  repository: z.object({ clone_url: z.string().max(2_000).optional(), ssh_url: z.string().max(2_000).optional() }),
});
const Answer = z.object({
  run: Run.nullable(),
  ignored: z.string().nullable().describe('Why the event started no run; null if it started one'),
});

/**
 * Registers the route that a git server calls after a push. It needs no API key: the request is authenticated by its
 * signature with the connection's secret.
 */
export function webhookRoutes(app: Api, context: RouteContext): void {
  void app.register(async (hooks: Api) => {
    // The signature covers the raw bytes, so the body must not be parsed first.
    hooks.removeAllContentTypeParsers();
    hooks.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));

    hooks.post(
      '/v1/webhooks/git/:model',
      {
        bodyLimit: limitBytes,
        schema: {
          tags: ['code'],
          summary: "Receive a push event in GitHub's format, signed with X-Hub-Signature-256",
          security: [],
          params: ModelParams,
          querystring: Query,
          headers: Headers,
          response: { 202: Answer, ...problems },
        },
      },
      async (request, reply) => {
        const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
        const { project, environment } = request.query;
        const signature = request.headers['x-hub-signature-256'];
        const known = await knownHook(context, { project, model: request.params.model, environment });
        if (known === undefined || !isSigned(body, signature, known.secret)) throw unsigned();
        const event = request.headers['x-github-event'];
        const push = event === 'push' ? parsePush(body) : undefined;
        const ignored = push === undefined ? `the event ${event} is not a push` : reasonToIgnore(push, known.git);
        if (push === undefined || ignored !== null) return reply.code(202).send({ run: null, ignored });
        return reply.code(202).send({ run: await submitPush(context, known, push, body), ignored: null });
      },
    );
  });
}

interface KnownHook {
  readonly scope: Scope;
  readonly code: Configuration['code'];
  readonly git: GitSource;
  readonly secret: string;
}

/**
 * Finds the configured webhook. Returns `undefined` whatever part is missing, so that callers without the secret cannot
 * tell which.
 */
async function knownHook(
  { repositories: { models, connections } }: RouteContext,
  { project, model, environment }: { readonly project: string; readonly model: string; readonly environment: string },
): Promise<KnownHook | undefined> {
  try {
    const scope = await models.scope(project, model, environment);
    const { code } = (await models.currentConfiguration(scope)).configuration;
    if (code.git?.connection === undefined) return undefined;
    const { webhookSecret } = await connections.settings(project, code.git.connection, 'git');
    return webhookSecret === undefined ? undefined : { scope, code, git: code.git, secret: webhookSecret };
  } catch (caught) {
    if (caught instanceof PerennialError && ['not-found', 'conflict'].includes(caught.code)) return undefined;
    throw caught;
  }
}

function isSigned(body: Buffer, signature: string | undefined, secret: string): boolean {
  const expected = Buffer.from(`sha256=${createHmac('sha256', secret).update(body).digest('hex')}`);
  const given = Buffer.from(signature ?? '');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

function unsigned(): PerennialError {
  return new PerennialError(
    'unauthenticated',
    'this model has no webhook, or X-Hub-Signature-256 was not made with its secret; the model needs code.git with a connection that has a webhookSecret, and the git server needs the same secret',
  );
}

function parsePush(body: Buffer): z.infer<typeof Push> {
  const parsed = Push.safeParse(jsonOf(body));
  if (parsed.success) return parsed.data;
  throw new PerennialError(
    'invalid-request',
    `the body is not a push event in GitHub's format: ${z.prettifyError(parsed.error)}`,
  );
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

function reasonToIgnore({ ref, deleted, repository }: z.infer<typeof Push>, git: GitSource): string | null {
  if (deleted) return `${ref} was deleted`;
  if (ref !== `refs/heads/${git.ref}` && ref !== `refs/tags/${git.ref}`)
    return `${ref} was pushed, but code.git.ref is ${git.ref}`;
  const spellings = [repository.clone_url, repository.ssh_url].map((url) =>
    url === undefined ? url : repositoryOf(url),
  );
  return spellings.includes(repositoryOf(git.url)) ? null : 'the push is to a repository other than code.git.url';
}

/**
 * Submits one command per delivery. A repeated delivery is recognised by the hash of its body, which the signature
 * covers. The delivery id is not signed, so an attacker could replay a recorded push with a new id.
 */
async function submitPush(
  context: RouteContext,
  { scope, code, git }: KnownHook,
  { after }: z.infer<typeof Push>,
  body: Buffer,
): Promise<Run> {
  const { principals, lifecycle, runs } = context.repositories;
  const { command, environment, allowBuilds, network, validation } = code;
  const by = await principals.ensure(pusher, 'service', [], null);
  const { runId } = await lifecycle.submit(
    scope,
    {
      kind: 'run',
      schemaVersion: 1,
      request: {
        kind: 'code',
        schemaVersion: 1,
        git: { ...git, ref: after },
        pushedRef: git.ref,
        command,
        environmentPath: environment ?? null,
        allowBuilds: allowBuilds === true ? true : undefined,
        network,
        validation,
      },
    },
    by.id,
    {
      key: sha256OfBytes(body),
      route: `POST /v1/webhooks/git/${scope.model} of ${scope.project} in ${scope.environment}`,
      requestDigest: sha256OfBytes(body),
    },
  );
  await wakeLifecycle(context, scope);
  if (runId === null) throw new PerennialError('internal', 'the push created no run');
  return runs.get(runId);
}
