import { z } from 'zod';
import { LabelCorrection } from '../../../contracts/monitoring/label.ts';
import { enter } from '../../access/authorize.ts';
import type { Api, RouteContext } from '../../route-context.ts';
import { EnvironmentPage, ModelParams, pageSchemaOf, problems, ProjectHeaders } from '../../request-shapes.ts';

const Query = EnvironmentPage.extend({
  /** Sequence number of a `labels.corrected` entry of the ledger, to show only its corrections. */
  sequence: z.coerce
    .number()
    .int()
    .min(1)
    .max(2 ** 31 - 1)
    .optional(),
});

export function labelCorrectionRoutes(app: Api, context: RouteContext): void {
  app.get(
    '/v1/models/:model/labels/corrections',
    {
      schema: {
        tags: ['labels'],
        summary:
          'List corrected labels with their previous values, newest first; `sequence` selects those of one ledger entry',
        headers: ProjectHeaders,
        params: ModelParams,
        querystring: Query,
        response: { 200: pageSchemaOf(LabelCorrection), ...problems },
      },
    },
    async (request) => {
      const { scope } = await enter(context, request);
      const { cursor, limit, sequence } = request.query;
      return context.repositories.monitoring.corrections(scope, sequence, { cursor, limit });
    },
  );
}
