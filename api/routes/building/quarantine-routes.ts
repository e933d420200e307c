import { authorize } from '../../access/authorize.ts';
import type { Api, RouteContext } from '../../route-context.ts';
import { bytesAs, IdParams } from '../../request-shapes.ts';
import { RowFormat, sendRows } from '../../answers/send-rows.ts';

/** Registers the route that returns the rows that a refused ingestion put in quarantine. */
export function quarantineRoutes(app: Api, context: RouteContext): void {
  const { runs, datasets } = context.repositories;
  app.get(
    '/v1/runs/:id/quarantine',
    {
      schema: {
        tags: ['runs'],
        summary: 'Download the rows that failed expectations, with their file, line and reason',
        params: IdParams,
        querystring: RowFormat,
        response: bytesAs('text/csv', 'application/vnd.apache.parquet'),
      },
    },
    async (request, reply) => {
      const run = await runs.get(request.params.id);
      authorize(context, request, run);
      const quarantine = await datasets.quarantine({ modelId: run.modelId, runId: run.id });
      return sendRows(context, reply, {
        parts: [quarantine],
        rowFormat: request.query,
        name: `${run.model}-quarantine-${run.id}`,
      });
    },
  );
}
