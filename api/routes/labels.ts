import { z } from 'zod';
import { InstantInput } from '../../contracts/identifiers.ts';
import { LabelInput } from '../../contracts/prediction.ts';
import { PerennialError } from '../../contracts/errors.ts';
import { enter } from '../access.ts';
import type { Api, RouteContext } from '../dependencies.ts';
import { EnvironmentQuery, ModelParams, problems, ProjectHeaders } from '../request-shapes.ts';

const limitBytes = 32 * 1024 ** 2;
const limitLabels = 200_000;

const Label = z.strictObject({ ...LabelInput.shape, at: InstantInput.optional() });
const Labels = z
  .array(Label)
  .min(1)
  .max(limitLabels, `at most ${limitLabels} labels are taken at once; send them in several requests`);
const Accepted = z.object({
  accepted: z.number().int(),
  /** The same id and value again. */
  repeated: z.number().int(),
  /** An id that has another value already, which is kept. */
  conflicts: z
    .array(z.object({ id: z.string(), kept: LabelInput.shape.value, given: LabelInput.shape.value }))
    .readonly(),
});

export function labelRoutes(app: Api, context: RouteContext): void {
  void app.register(async (labels: Api) => {
    labels.addContentTypeParser(
      ['application/x-ndjson', 'application/ndjson', 'application/jsonl'],
      { parseAs: 'string' },
      (_request, body, done) => {
        try {
          done(null, parseLines(body.toString()));
        } catch (caught) {
          done(caught instanceof Error ? caught : new Error(String(caught)));
        }
      },
    );
    // One label may come without its brackets.
    labels.addHook('preValidation', async (request) => {
      if (!Array.isArray(request.body)) request.body = [request.body];
    });
    labels.post(
      '/v1/models/:model/labels',
      {
        bodyLimit: limitBytes,
        schema: {
          tags: ['labels'],
          summary: 'What turned out to be true, by prediction id; JSON or NDJSON',
          headers: ProjectHeaders,
          params: ModelParams,
          querystring: EnvironmentQuery,
          body: Labels,
          response: { 200: Accepted, ...problems },
        },
      },
      async (request) => {
        const { scope, principal } = await enter(context, request);
        const { task } = await context.repositories.models.get(scope.project, scope.model);
        if (task === 'regression') refuseClasses(request.body);
        return context.repositories.monitoring.addLabels(scope, request.body, principal.id);
      },
    );
  });
}

/** A class is no number that an error could be taken of. */
function refuseClasses(labels: readonly LabelInput[]): void {
  const at = labels.findIndex(({ value }) => typeof value !== 'number');
  const label = labels[at];
  if (label === undefined) return;
  throw new PerennialError(
    'invalid-request',
    `label ${at + 1}, of "${label.id}", is ${JSON.stringify(label.value)}: the labels of a regression are numbers`,
    { pointer: `/${at}/value`, id: label.id },
  );
}

function parseLines(text: string): unknown[] {
  const lines = text.split('\n');
  return lines.flatMap((line, index): unknown[] => {
    if (line.trim() === '') return [];
    try {
      return [JSON.parse(line)];
    } catch {
      throw new PerennialError('invalid-request', `line ${index + 1} is not JSON: expected {"id": "…", "value": 1}`, {
        pointer: `/${index}`,
        line: index + 1,
      });
    }
  });
}
