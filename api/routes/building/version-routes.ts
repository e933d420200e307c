import { z } from 'zod';
import { Evaluation } from '../../../contracts/models/evaluation.ts';
import { PermutationImportance } from '../../../contracts/models/importance.ts';
import { Id, Sha256 } from '../../../contracts/identifiers.ts';
import { modelFormats } from '../../../contracts/model-format.ts';
import type { ModelVersion } from '../../../contracts/models/model-version.ts';
import { modelVersionWith } from '../../../contracts/models/model-version.ts';
import { enter } from '../../access/authorize.ts';
import type { Api, RouteContext } from '../../route-context.ts';
import { sendBlob } from '../../answers/downloads.ts';
import {
  bytesAs,
  EnvironmentPage,
  EnvironmentQuery,
  NumberParams,
  ModelParams,
  pageSchemaOf,
  problems,
  ProjectHeaders,
} from '../../request-shapes.ts';

const tags = ['versions'];
const Ancestor = z.object({ id: Id, number: z.number().int(), digest: Sha256 });
/** The version's latest evaluation in the requested environment; null if it was never evaluated there. */
const evaluatedFields = { evaluation: Evaluation.nullable() };
const EvaluatedVersion = modelVersionWith(evaluatedFields);
const VersionWithLineage = modelVersionWith({
  ...evaluatedFields,
  evaluations: z.array(Evaluation).readonly(),
  /** Permutation importance from the latest evaluation; null if it has none. */
  importance: PermutationImportance.nullable(),
  lineage: z.object({ dataset: Ancestor, code: Ancestor, configuration: Ancestor }),
});

export function versionRoutes(app: Api, context: RouteContext): void {
  const { versions, evaluations } = context.repositories;

  app.get(
    '/v1/models/:model/versions',
    {
      schema: {
        tags,
        summary: 'List model versions with their latest evaluation, newest first',
        headers: ProjectHeaders,
        params: ModelParams,
        querystring: EnvironmentPage,
        response: { 200: pageSchemaOf(EvaluatedVersion), ...problems },
      },
    },
    async (request) => {
      const { scope } = await enter(context, request);
      const page = await versions.list(scope.modelId, request.query);
      const items = await Promise.all(
        page.items.map(async (version) => ({
          ...version,
          evaluation: (await evaluations.latest(scope, version.id)) ?? null,
        })),
      );
      return { ...page, items };
    },
  );

  app.get(
    '/v1/models/:model/versions/:version',
    {
      schema: {
        tags,
        summary: 'Get a model version with its metrics, gates and lineage',
        headers: ProjectHeaders,
        params: NumberParams,
        querystring: EnvironmentQuery,
        response: { 200: VersionWithLineage, ...problems },
      },
    },
    async (request) => {
      const { scope, principal } = await enter(context, request);
      const version = await versions.byNumber(scope.modelId, request.params.version);
      const [all, latest, lineage] = await Promise.all([
        evaluations.ofVersion(principal, version.id),
        evaluations.latest(scope, version.id),
        lineageOf(context, version),
      ]);
      const importance = await importanceOf(context, latest?.body.importance);
      return { ...version, evaluation: latest ?? null, evaluations: all, importance, lineage };
    },
  );

  app.get(
    '/v1/models/:model/versions/:version/artifact',
    {
      schema: {
        tags,
        summary: 'Download the model file, in the format of the version',
        headers: ProjectHeaders,
        params: NumberParams,
        querystring: EnvironmentQuery,
        response: bytesAs(...new Set(Object.values(modelFormats).map(({ mediaType }) => mediaType))),
      },
    },
    async (request, reply) => {
      const { scope } = await enter(context, request);
      const version = await versions.byNumber(scope.modelId, request.params.version);
      const { mediaType, extension } = modelFormats[version.format];
      return sendBlob(reply, context.objectStore, version.artifact, {
        type: mediaType,
        filename: `${scope.model}-${version.number}${extension}`,
      });
    },
  );
}

/**
 * Reads the permutation importance. Returns null also if garbage collection has removed it, so that the version can
 * still be shown.
 */
async function importanceOf({ objectStore }: RouteContext, digest: string | undefined) {
  if (digest === undefined || (await objectStore.size(digest)) === undefined) return null;
  return PermutationImportance.parse(JSON.parse((await objectStore.read(digest)).toString('utf8')));
}

async function lineageOf({ repositories }: RouteContext, version: ModelVersion) {
  const [dataset, code, configuration] = await Promise.all([
    repositories.datasets.get(version.datasetVersionId),
    repositories.code.get(version.codeVersionId),
    repositories.models.configuration(version.configurationId),
  ]);
  return { dataset: ancestor(dataset), code: ancestor(code), configuration: ancestor(configuration) };
}

function ancestor({ id, number, digest }: z.infer<typeof Ancestor>) {
  return { id, number, digest };
}
