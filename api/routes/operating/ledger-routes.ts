import { InstantInput, Name, PageRequest } from '../../../contracts/identifiers.ts';
import { LedgerEntry, LedgerKind } from '../../../contracts/ledger/ledger-entry.ts';
import { z } from 'zod';
import { authorizeWithin } from '../../access/authorize.ts';
import type { Api, RouteContext } from '../../route-context.ts';
import { pageSchemaOf, problems, ProjectHeaders } from '../../request-shapes.ts';

const Filter = z.strictObject({
  ...PageRequest.shape,
  model: Name.optional(),
  environment: Name.optional(),
  kind: LedgerKind.optional(),
  since: InstantInput.optional(),
  until: InstantInput.optional(),
});
const Entry = LedgerEntry.extend({ principalName: z.string() });

export function ledgerRoutes(app: Api, context: RouteContext): void {
  app.get(
    '/v1/ledger',
    {
      schema: {
        tags: ['ledger'],
        summary: 'List ledger entries (every decision), newest first',
        headers: ProjectHeaders,
        querystring: Filter,
        response: { 200: pageSchemaOf(Entry), ...problems },
      },
    },
    async (request) => {
      const project = request.headers['perennial-project'];
      const { cursor, limit, ...filter } = request.query;
      const { model, environment } = filter;
      const principal = authorizeWithin(context, request, { project, model, environment });
      return context.repositories.ledger.list(principal, { project, ...filter }, { cursor, limit });
    },
  );
}
