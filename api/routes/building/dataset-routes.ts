import { z } from 'zod';
import type { RemoteSource } from '../../../contracts/data/remote-source.ts';
import { DatasetDifference } from '../../../contracts/data/dataset-difference.ts';
import { BatchFile, DatasetVersion } from '../../../contracts/data/dataset-version.ts';
import { PerennialError } from '../../../contracts/errors.ts';
import type { Scope } from '../../../contracts/identifiers.ts';
import { enter } from '../../access/authorize.ts';
import { mustPossess } from '../../access/possession.ts';
import { compareDatasets } from '../../answers/compare-datasets.ts';
import type { Api, RouteContext } from '../../route-context.ts';
import {
  bytesAs,
  EnvironmentPage,
  EnvironmentQuery,
  ModelParams,
  NumberParams,
  pageSchemaOf,
  problems,
  ProjectHeaders,
  StartedRun,
  StartHeaders,
} from '../../request-shapes.ts';
import { RowFormat, sendRows } from '../../answers/send-rows.ts';
import { submitRun } from '../../submission.ts';

const tags = ['datasets'];

async function remoteSource({ repositories: { models } }: RouteContext, scope: Scope): Promise<RemoteSource> {
  const { source } = (await models.currentConfiguration(scope)).configuration.data;
  if (!('path' in source) && !('glob' in source)) return source;
  throw new PerennialError(
    'invalid-request',
    `data.source of ${scope.model} names local files, which the server cannot fetch; use \`perennial data ingest\`, or upload the files and list them in files`,
    { pointer: '/files' },
  );
}

/** Without files, the server fetches what the configuration's `data.source` names. */
const Ingestion = z.strictObject({ files: z.array(BatchFile).min(1).max(1000).optional() });

export function datasetRoutes(app: Api, context: RouteContext): void {
  const { datasets } = context.repositories;

  app.post(
    '/v1/models/:model/datasets',
    {
      schema: {
        tags,
        summary: 'Ingest uploaded files or, without any, the rows that data.source names',
        headers: StartHeaders,
        params: ModelParams,
        querystring: EnvironmentQuery,
        body: Ingestion,
        response: { 202: StartedRun, ...problems },
      },
    },
    async (request, reply) => {
      const { scope } = await enter(context, request);
      const { files } = request.body;
      const source = files === undefined ? await remoteSource(context, scope) : undefined;
      for (const [index, { name, sha256 }] of (files ?? []).entries())
        await mustPossess(context, scope.project, { name, sha256, pointer: `/files/${index}/sha256` });
      const started = await submitRun(context, request, scope, {
        kind: 'run',
        schemaVersion: 1,
        request: { kind: 'data', schemaVersion: 1, files, source },
      });
      return reply.code(202).send(started);
    },
  );

  app.get(
    '/v1/models/:model/datasets',
    {
      schema: {
        tags,
        summary: 'List dataset versions, newest first, without profiles',
        headers: ProjectHeaders,
        params: ModelParams,
        querystring: EnvironmentPage,
        response: { 200: pageSchemaOf(DatasetVersion), ...problems },
      },
    },
    async (request) => {
      const { scope } = await enter(context, request);
      return datasets.list(scope.modelId, request.query);
    },
  );

  app.get(
    '/v1/models/:model/datasets/:version',
    {
      schema: {
        tags,
        summary: 'Get a dataset version with its profile',
        headers: ProjectHeaders,
        params: NumberParams,
        querystring: EnvironmentQuery,
        response: { 200: DatasetVersion, ...problems },
      },
    },
    async (request) => {
      const { scope } = await enter(context, request);
      return datasets.byNumber(scope.modelId, request.params.version);
    },
  );

  app.get(
    '/v1/models/:model/datasets/:version/rows',
    {
      schema: {
        tags,
        summary: 'Download all rows of a dataset version as one file',
        headers: ProjectHeaders,
        params: NumberParams,
        querystring: EnvironmentQuery.extend(RowFormat.shape),
        response: bytesAs('text/csv', 'application/vnd.apache.parquet'),
      },
    },
    async (request, reply) => {
      const { scope } = await enter(context, request);
      const version = await datasets.byNumber(scope.modelId, request.params.version);
      const { columns, parts } = version.manifest;
      return sendRows(context, reply, {
        parts: parts.map(({ sha256 }) => sha256),
        columns: columns.map(({ name }) => name),
        rowFormat: request.query,
        name: `${scope.model}-${version.number}`,
      });
    },
  );

  app.get(
    '/v1/models/:model/datasets/:version/diff/:other',
    {
      schema: {
        tags,
        summary: 'Compare two dataset versions',
        headers: ProjectHeaders,
        params: NumberParams.extend({ other: NumberParams.shape.version }),
        querystring: EnvironmentQuery,
        response: { 200: DatasetDifference, ...problems },
      },
    },
    async (request) => {
      const { scope } = await enter(context, request);
      const before = await datasets.byNumber(scope.modelId, request.params.version);
      const after = await datasets.byNumber(scope.modelId, request.params.other);
      return compareDatasets(context, before, after);
    },
  );
}
