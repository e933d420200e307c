import { z } from 'zod';
import { Id, InstantInput } from '../../../contracts/identifiers.ts';
import { enter } from '../../access/authorize.ts';
import { BuildExplanation, explainBuild } from '../../answers/build-explanation.ts';
import type { Api, RouteContext } from '../../route-context.ts';
import {
  EnvironmentQuery,
  ModelParams,
  problems,
  ProjectHeaders,
  StartedRun,
  StartHeaders,
} from '../../request-shapes.ts';
import { submitRun } from '../../submission.ts';

const Build = z.strictObject({
  dataset: z.number().int().min(1).optional(),
  code: z.number().int().min(1).optional(),
  params: z.record(z.string(), z.json()).optional(),
  asOf: InstantInput.optional(),
});

const BuildParams = ModelParams.extend({
  build: z.union([z.string().regex(/^[1-9]\d{0,8}$/), Id]).describe('Number of a model version, or id of a build run'),
});

export function buildRoutes(app: Api, context: RouteContext): void {
  const { datasets, code, environments } = context.repositories;

  app.post(
    '/v1/models/:model/builds',
    {
      schema: {
        tags: ['builds'],
        summary: 'Start a build: train, evaluate and check the gates',
        headers: StartHeaders,
        params: ModelParams,
        querystring: EnvironmentQuery,
        body: Build,
        response: { 202: StartedRun, ...problems },
      },
    },
    async (request, reply) => {
      const { scope } = await enter(context, request);
      const asked = request.body;
      const started = await submitRun(context, request, scope, {
        kind: 'run',
        schemaVersion: 1,
        request: {
          kind: 'build',
          schemaVersion: 1,
          datasetVersionId:
            asked.dataset === undefined ? undefined : (await datasets.byNumber(scope.modelId, asked.dataset)).id,
          codeVersionId: asked.code === undefined ? undefined : (await code.byNumber(scope.modelId, asked.code)).id,
          params: asked.params,
          asOf: asked.asOf ?? (await environments.now(scope.project, scope.environment)),
          automated: false,
        },
      });
      return reply.code(202).send(started);
    },
  );

  app.get(
    '/v1/models/:model/builds/:build',
    {
      schema: {
        tags: ['builds'],
        summary: 'Explain a build: what it reused, which steps ran, and which inputs of its training were new',
        headers: ProjectHeaders,
        params: BuildParams,
        querystring: EnvironmentQuery,
        response: { 200: BuildExplanation, ...problems },
      },
    },
    async (request) => {
      const { scope, principal } = await enter(context, request);
      return explainBuild(context.repositories, scope, { build: request.params.build, viewer: principal });
    },
  );
}
