import { z } from 'zod';
import { CollectedBlob, Collection, shortestGraceMs, usualGraceMs } from '../../../contracts/runs/collection.ts';
import { Duration, durationMs } from '../../../contracts/time/duration.ts';
import { PerennialError } from '../../../contracts/errors.ts';
import { PageRequest } from '../../../contracts/identifiers.ts';
import { authorize } from '../../access/authorize.ts';
import type { Api, RouteContext } from '../../route-context.ts';
import { IdParams, pageSchemaOf, problems, ProjectHeaders, StartHeaders } from '../../request-shapes.ts';
import { idempotencyOf, tryFor } from '../../submission.ts';

const tags = ['garbage collection'];
const CollectionRequest = z.strictObject({
  dryRun: z.boolean().default(false).describe('Report what would be removed, and remove nothing'),
  grace: Duration.optional().describe(
    'Bytes that were stored less than this time ago are kept; default 24h, minimum 1h',
  ),
});

/**
 * Registers the routes of garbage collection. They concern the whole installation, so starting a collection needs the
 * admin role on everything.
 */
export function collectionRoutes(app: Api, context: RouteContext): void {
  const { collections } = context.repositories;

  app.post(
    '/v1/gc',
    {
      schema: {
        tags,
        summary: 'Start a garbage collection, or continue the one in progress',
        headers: StartHeaders,
        body: CollectionRequest,
        response: { 202: z.object({ collection: Collection }), ...problems },
      },
    },
    async (request, reply) => {
      const { id: by } = authorize(context, request, {});
      const { dryRun, grace } = request.body;
      const graceMs = grace === undefined ? usualGraceMs : durationMs(grace);
      if (graceMs < shortestGraceMs)
        throw new PerennialError(
          'invalid-request',
          'grace must be at least 1h, because bytes are stored before the row that refers to them is written',
          { pointer: '/grace' },
        );
      const collection = await collections.begin({ dryRun, graceMs, by }, idempotencyOf(request));
      // A repeated idempotency key may return a collection that has already ended.
      if (collection.state === 'running')
        await tryFor(
          context,
          `the collection ${collection.id} waits for Temporal; the next request to collect garbage continues it`,
          () => context.workflowClient.startCollection(collection.id),
        );
      return reply.code(202).send({ collection });
    },
  );

  app.get(
    '/v1/gc',
    {
      schema: {
        tags,
        summary: 'List garbage collections',
        headers: ProjectHeaders,
        querystring: PageRequest,
        response: { 200: pageSchemaOf(Collection), ...problems },
      },
    },
    async (request) => {
      authorize(context, request, {});
      return collections.list(request.query);
    },
  );

  app.get(
    '/v1/gc/:id',
    {
      schema: {
        tags,
        summary: 'Get a garbage collection',
        headers: ProjectHeaders,
        params: IdParams,
        response: { 200: Collection, ...problems },
      },
    },
    async (request) => {
      authorize(context, request, {});
      return collections.get(request.params.id);
    },
  );

  app.get(
    '/v1/gc/:id/blobs',
    {
      schema: {
        tags,
        summary: 'List the blobs that a garbage collection removed, or would remove in a dry run',
        headers: ProjectHeaders,
        params: IdParams,
        querystring: PageRequest,
        response: { 200: pageSchemaOf(CollectedBlob), ...problems },
      },
    },
    async (request) => {
      authorize(context, request, {});
      return collections.collected(request.params.id, request.query);
    },
  );
}
