import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { sha256OfBytes } from '../../../contracts/digest.ts';
import { PerennialError } from '../../../contracts/errors.ts';
import { Id, Instant, InstantInput, PageRequest } from '../../../contracts/identifiers.ts';
import { Principal } from '../../../contracts/access/principal.ts';
import { authorize } from '../../access/authorize.ts';
import type { Api, RouteContext } from '../../route-context.ts';
import { IdParams, pageSchemaOf, problems } from '../../request-shapes.ts';

const tags = ['principals'];
const NewPrincipal = z.strictObject({
  ...Principal.pick({ name: true, kind: true, grants: true }).shape,
  grants: Principal.shape.grants.max(100),
});
const NewKey = z.strictObject({
  label: z.string().max(200).default(''),
  expiresAt: InstantInput.optional().describe('When the key expires; if absent, the key is valid until it is revoked'),
});
const MadeKey = z.object({
  keyId: Id,
  /** Shown only once, because only its digest is stored. */ key: z.string(),
  expiresAt: Instant.nullable(),
  recordedAt: Instant,
});

/**
 * Registers the routes of principals and keys. A grant can cover everything, so these routes need the admin role on
 * everything.
 */
export function principalRoutes(app: Api, context: RouteContext): void {
  const { principals } = context.repositories;

  app.get(
    '/v1/principals',
    {
      schema: {
        tags,
        summary: 'List principals: people and services',
        querystring: PageRequest,
        response: { 200: pageSchemaOf(Principal), ...problems },
      },
    },
    async (request) => {
      authorize(context, request, {});
      return principals.list(request.query);
    },
  );

  app.post(
    '/v1/principals',
    { schema: { tags, summary: 'Create a principal', body: NewPrincipal, response: { 201: Principal, ...problems } } },
    async (request, reply) => {
      const { id } = authorize(context, request, {});
      const { name, kind, grants } = request.body;
      return reply.code(201).send(await principals.create(name, kind, grants, id));
    },
  );

  app.post(
    '/v1/principals/:id/keys',
    {
      schema: {
        tags,
        summary: 'Create a key for a principal; the key is returned only once',
        params: IdParams,
        body: NewKey,
        response: { 201: MadeKey, ...problems },
      },
    },
    async (request, reply) => {
      const by = authorize(context, request, {});
      const { id } = await principals.get(request.params.id);
      const key = `perennial_${randomBytes(32).toString('base64url')}`;
      const { label, expiresAt = null } = request.body;
      if (expiresAt !== null && expiresAt <= context.clock.now())
        throw new PerennialError(
          'invalid-request',
          `expiresAt is ${expiresAt}, which has passed; give a time in the future, or leave it out`,
          { pointer: '/expiresAt' },
        );
      const made = await principals.addKey(id, sha256OfBytes(key), label, by.id, expiresAt);
      return reply.code(201).send({ ...made, expiresAt, key });
    },
  );

  app.delete(
    '/v1/principals/:id/keys',
    {
      schema: {
        tags,
        summary: 'Revoke all keys of a principal',
        params: IdParams,
        response: { 204: z.null(), ...problems },
      },
    },
    async (request, reply) => {
      const by = authorize(context, request, {});
      const { id } = await principals.get(request.params.id);
      const own = (await principals.keys()).filter((key) => key.principal.id === id);
      for (const { keyId } of own) await principals.revokeKey(id, keyId, by.id);
      return reply.code(204).send(null);
    },
  );

  app.delete(
    '/v1/principals/:id/keys/:key',
    {
      schema: {
        tags,
        summary: 'Revoke a key of a principal',
        params: IdParams.extend({ key: Id }),
        response: { 204: z.null(), ...problems },
      },
    },
    async (request, reply) => {
      const by = authorize(context, request, {});
      await principals.revokeKey(request.params.id, request.params.key, by.id);
      return reply.code(204).send(null);
    },
  );
}
