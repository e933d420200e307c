import { z } from 'zod';
import { DiagnosisPage } from '../../../contracts/runs/diagnosis.ts';
import { authorize } from '../../access/authorize.ts';
import type { Api, RouteContext } from '../../route-context.ts';
import { examine } from '../../doctor/examine.ts';
import { problems, ProjectHeaders } from '../../request-shapes.ts';

const tags = ['health'];
const cursor = z.string().max(400).optional();

/**
 * Registers the routes of `perennial doctor`. They examine and repair all projects, so they need the admin role on
 * everything.
 */
export function doctorRoutes(app: Api, context: RouteContext): void {
  app.get(
    '/v1/doctor',
    {
      schema: {
        tags,
        summary:
          'Check the ledger, what serves, stored bytes, commands, schedules and working folders; each request runs one part of the checks',
        headers: ProjectHeaders,
        querystring: z.strictObject({ cursor, deep: z.stringbool().default(false) }),
        response: { 200: DiagnosisPage, ...problems },
      },
    },
    (request) => {
      authorize(context, request, {});
      return examine(context, { ...request.query, cursor: request.query.cursor, fix: false });
    },
  );

  app.post(
    '/v1/doctor',
    {
      schema: {
        tags,
        summary: 'Run the same checks as GET and, with `fix`, repair what can be repaired',
        headers: ProjectHeaders,
        body: z.strictObject({
          fix: z.boolean().default(false),
          deep: z.boolean().default(false).describe('Read every byte that a version refers to'),
          cursor,
        }),
        response: { 200: DiagnosisPage, ...problems },
      },
    },
    (request) => {
      authorize(context, request, {});
      const { fix, deep } = request.body;
      return examine(context, { fix, deep, cursor: request.body.cursor });
    },
  );
}
