import { z } from 'zod';
import { ApprovalPolicy, Environment } from '../../../contracts/serving/environment.ts';
import { Name } from '../../../contracts/identifiers.ts';
import { authorize, authorizeWithin } from '../../access/authorize.ts';
import type { Api, RouteContext } from '../../route-context.ts';
import { problems, ProjectHeaders } from '../../request-shapes.ts';

const tags = ['environments'];
const Settings = z.strictObject({ minimumPolicy: ApprovalPolicy.nullable() });

export function environmentRoutes(app: Api, context: RouteContext): void {
  const { environments } = context.repositories;

  app.get(
    '/v1/environments',
    {
      schema: {
        tags,
        summary: 'List the environments of the project',
        headers: ProjectHeaders,
        response: { 200: z.object({ items: z.array(Environment).readonly() }), ...problems },
      },
    },
    async (request) => {
      const project = request.headers['perennial-project'];
      const principal = authorizeWithin(context, request, { project });
      return { items: await environments.list(principal, project) };
    },
  );

  app.put(
    '/v1/environments/:environment',
    {
      schema: {
        tags,
        summary: 'Set the minimum approval policy of an environment; null removes it',
        headers: ProjectHeaders,
        params: z.object({ environment: Name }),
        body: Settings,
        response: { 200: Environment, ...problems },
      },
    },
    async (request) => {
      const project = request.headers['perennial-project'];
      const { environment } = request.params;
      const { id } = authorize(context, request, { project, environment });
      return environments.put(project, environment, request.body, id);
    },
  );
}
