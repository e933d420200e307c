import { z } from 'zod';
import { Connection, ConnectionSettings } from '../../../contracts/access/connection.ts';
import { Name } from '../../../contracts/identifiers.ts';
import { authorize } from '../../access/authorize.ts';
import type { Api, RouteContext } from '../../route-context.ts';
import { problems, ProjectHeaders } from '../../request-shapes.ts';

const tags = ['connections'];
const Params = z.object({ name: Name });

/**
 * Registers the routes of connections. Secrets can be written but never read: answers show only where a connection
 * leads.
 */
export function connectionRoutes(app: Api, context: RouteContext): void {
  const { connections } = context.repositories;

  app.get(
    '/v1/connections',
    {
      schema: {
        tags,
        summary: 'List the named connections of the project',
        headers: ProjectHeaders,
        response: { 200: z.object({ items: z.array(Connection).readonly() }), ...problems },
      },
    },
    async (request) => {
      const project = request.headers['perennial-project'];
      authorize(context, request, { project });
      return { items: await connections.list(project) };
    },
  );

  app.put(
    '/v1/connections/:name',
    {
      schema: {
        tags,
        summary: 'Set a named connection; its secrets are stored encrypted and never returned',
        headers: ProjectHeaders,
        params: Params,
        body: ConnectionSettings,
        response: { 200: Connection, ...problems },
      },
    },
    async (request) => {
      const project = request.headers['perennial-project'];
      const { id } = authorize(context, request, { project });
      return connections.put(project, request.params.name, request.body, id);
    },
  );

  app.get(
    '/v1/connections/:name',
    {
      schema: {
        tags,
        summary: 'Get a named connection, without its secrets',
        headers: ProjectHeaders,
        params: Params,
        response: { 200: Connection, ...problems },
      },
    },
    async (request) => {
      const project = request.headers['perennial-project'];
      authorize(context, request, { project });
      return connections.get(project, request.params.name);
    },
  );

  app.delete(
    '/v1/connections/:name',
    {
      schema: {
        tags,
        summary: 'Remove a named connection',
        headers: ProjectHeaders,
        params: Params,
        response: { 204: z.null(), ...problems },
      },
    },
    async (request, reply) => {
      const project = request.headers['perennial-project'];
      const { id } = authorize(context, request, { project });
      await connections.remove(project, request.params.name, id);
      return reply.code(204).send(null);
    },
  );
}
