import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { PerennialError } from '../../../contracts/errors.ts';
import type { AddedLabels } from '../../../contracts/monitoring/label.ts';
import { AddedLabels as Added, labelWords, SentLabel } from '../../../contracts/monitoring/label.ts';
import type { LabelFormat } from '../../../contracts/monitoring/label-file.ts';
import { labelsIn } from '../../../contracts/monitoring/label-file.ts';
import { enter } from '../../access/authorize.ts';
import type { Api, RouteContext } from '../../route-context.ts';
import { EnvironmentQuery, ModelParams, problems, ProjectHeaders } from '../../request-shapes.ts';

const limitBytes = 32 * 1024 ** 2;
const limitLabels = 200_000;

const Labels = z
  .array(SentLabel)
  .min(1, 'there are no labels in the body; send at least one')
  .max(limitLabels, `at most ${limitLabels} labels are accepted per request; send them in several requests`);
const Answer = Added.extend({
  /** Columns of the CSV that labels do not use. */
  ignoredColumns: z.array(z.string()).readonly().optional(),
});

const formats: Readonly<Record<string, LabelFormat>> = {
  'application/json': 'json',
  'application/x-ndjson': 'ndjson',
  'application/ndjson': 'ndjson',
  'application/jsonl': 'ndjson',
  'text/csv': 'csv',
};

export function labelRoutes(app: Api, context: RouteContext): void {
  void app.register(async (labels: Api) => {
    const ignored = parseLabels(labels);
    labels.post(
      '/v1/models/:model/labels',
      {
        bodyLimit: limitBytes,
        schema: {
          tags: ['labels'],
          summary: 'Send labels (the true values) by prediction id or request id, as JSON, NDJSON or CSV',
          headers: ProjectHeaders,
          params: ModelParams,
          querystring: EnvironmentQuery,
          body: Labels,
          response: { 200: Answer, ...problems },
        },
      },
      async (request) => {
        const { scope, principal } = await enter(context, request);
        const { monitoring } = context.repositories;
        if (await monitoring.hasUnknown(scope, request.body)) await context.recentPredictions(scope);
        const added = await monitoring.addLabels(scope, request.body, principal.id);
        if (added.refused === request.body.length) throw allRefused(added);
        const ignoredColumns = ignored.get(request) ?? [];
        return { ...added, ...(ignoredColumns.length === 0 ? {} : { ignoredColumns }) };
      },
    );
  });
}

/**
 * Adds a parser for each format; all produce the same list of labels. Returns the ignored CSV columns of each request.
 */
function parseLabels(app: Api): WeakMap<FastifyRequest, readonly string[]> {
  const ignored = new WeakMap<FastifyRequest, readonly string[]>();
  app.removeContentTypeParser('application/json');
  for (const [type, format] of Object.entries(formats))
    app.addContentTypeParser(type, { parseAs: 'string' }, async (request: FastifyRequest, text: string) => {
      const parsed = labelsIn(format, text);
      ignored.set(request, parsed.ignored);
      return parsed.labels.map(({ label }) => label);
    });
  return ignored;
}

/**
 * Creates the error for a request of which no label was accepted, so that a client that checks only the status notices.
 */
function allRefused({ refused, refusals }: AddedLabels): PerennialError {
  const [first] = refusals;
  const named = first === undefined ? '' : `the label of ${labelWords(first)} is refused: ${first.reason}`;
  return new PerennialError(
    'invalid-request',
    refused === 1 ? named : `none of the ${refused} labels was accepted; ${named}`,
    {
      pointer: `/${first?.place ?? 0}`,
      refused,
      refusals: refusals.map((refusal) => `${labelWords(refusal)}: ${refusal.reason}`),
    },
  );
}
