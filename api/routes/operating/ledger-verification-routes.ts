import { z } from 'zod';
import { Name, PageRequest } from '../../../contracts/identifiers.ts';
import { LedgerKey, LedgerVerdict } from '../../../contracts/ledger/ledger-head.ts';
import { authorize } from '../../access/authorize.ts';
import type { Api, RouteContext } from '../../route-context.ts';
import { pageSchemaOf, problems, ProjectHeaders } from '../../request-shapes.ts';

const tags = ['ledger'];
/**
 * The limit is small, because a page is answered only after each of its chains has been verified from its first entry.
 */
const VerifyQuery = z.strictObject({
  cursor: PageRequest.shape.cursor,
  limit: z.coerce.number().int().min(1).max(50).default(20),
  model: Name.optional(),
});

export function ledgerVerificationRoutes(app: Api, context: RouteContext): void {
  const { ledger } = context.repositories;

  app.get(
    '/v1/ledger/verify',
    {
      schema: {
        tags,
        summary:
          'Verify the ledger of each model against its hash chain and its signed copies; the answer names the first entry that does not match',
        headers: ProjectHeaders,
        querystring: VerifyQuery,
        response: { 200: pageSchemaOf(LedgerVerdict), ...problems },
      },
    },
    async (request) => {
      const project = request.headers['perennial-project'];
      const { model, ...page } = request.query;
      authorize(context, request, { project, model });
      const { items, next } = await ledger.owners({ project, model }, page);
      const verdicts: LedgerVerdict[] = [];
      // Verified one after the other, because each chain occupies a database connection while it is read.
      for (const owner of items) verdicts.push(await context.ledgerProof.verify(owner));
      if (next === undefined && model === undefined)
        verdicts.push(...(await context.ledgerProof.removedModels()).filter((verdict) => verdict.project === project));
      return { items: verdicts, next };
    },
  );

  app.get(
    '/v1/ledger/key',
    {
      schema: {
        tags,
        summary: 'Get the public key that verifies the signed ledger heads',
        headers: ProjectHeaders,
        response: { 200: LedgerKey, ...problems },
      },
    },
    () => context.ledgerProof.key,
  );
}
