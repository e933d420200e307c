import type { FastifyReply } from 'fastify';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { DatasetVersion as Version } from '../../contracts/dataset.ts';
import { BatchFile, DatasetVersion } from '../../contracts/dataset.ts';
import { PerennialError } from '../../contracts/errors.ts';
import { enter } from '../access.ts';
import type { Api, RouteContext } from '../dependencies.ts';
import {
  bytesAs,
  EnvironmentPage,
  EnvironmentQuery,
  ModelParams,
  NumberParams,
  pageOf,
  problems,
  ProjectHeaders,
  StartedRun,
  StartHeaders,
} from '../request-shapes.ts';
import { submitRun } from '../submission.ts';

const tags = ['datasets'];
const contentTypes = { csv: 'text/csv; charset=utf-8', parquet: 'application/vnd.apache.parquet' } as const;
type Format = keyof typeof contentTypes;

const Ingestion = z.strictObject({ files: z.array(BatchFile).min(1).max(1000) });

export function datasetRoutes(app: Api, context: RouteContext): void {
  const { datasets, blobs } = context.repositories;

  app.post(
    '/v1/models/:model/datasets',
    {
      schema: {
        tags,
        summary: 'Ingest uploaded files',
        headers: StartHeaders,
        params: ModelParams,
        querystring: EnvironmentQuery,
        body: Ingestion,
        response: { 202: StartedRun, ...problems },
      },
    },
    async (request, reply) => {
      const { scope } = await enter(context, request, 'operator');
      const { files } = request.body;
      for (const [index, { name, sha256 }] of files.entries()) {
        if (!(await blobs.has(sha256)))
          throw new PerennialError(
            'blob-missing',
            `${name} (${sha256}) was not uploaded; PUT it to /v1/blobs/${sha256} first`,
            { pointer: `/files/${index}/sha256`, sha256 },
          );
      }
      const started = await submitRun(context, request, scope, {
        kind: 'run',
        schemaVersion: 1,
        request: { kind: 'data', schemaVersion: 1, files },
      });
      return reply.code(202).send(started);
    },
  );

  app.get(
    '/v1/models/:model/datasets',
    {
      schema: {
        tags,
        summary: 'Versions, newest first, without profiles',
        headers: ProjectHeaders,
        params: ModelParams,
        querystring: EnvironmentPage,
        response: { 200: pageOf(DatasetVersion), ...problems },
      },
    },
    async (request) => {
      const { scope } = await enter(context, request, 'viewer');
      return datasets.list(scope.modelId, request.query);
    },
  );

  app.get(
    '/v1/models/:model/datasets/:version',
    {
      schema: {
        tags,
        summary: 'A version with its profile',
        headers: ProjectHeaders,
        params: NumberParams,
        querystring: EnvironmentQuery,
        response: { 200: DatasetVersion, ...problems },
      },
    },
    async (request) => {
      const { scope } = await enter(context, request, 'viewer');
      return datasets.byNumber(scope.modelId, request.params.version);
    },
  );

  app.get(
    '/v1/models/:model/datasets/:version/rows',
    {
      schema: {
        tags,
        summary: 'All rows as one file',
        headers: ProjectHeaders,
        params: NumberParams,
        querystring: EnvironmentQuery.extend({ format: z.enum(['parquet', 'csv']).default('parquet') }),
        response: bytesAs('text/csv', 'application/vnd.apache.parquet'),
      },
    },
    async (request, reply) => {
      const { scope } = await enter(context, request, 'viewer');
      const version = await datasets.byNumber(scope.modelId, request.params.version);
      return sendRows(context, reply, version, request.query.format, `${scope.model}-${version.number}`);
    },
  );
}

async function sendRows(
  context: RouteContext,
  reply: FastifyReply,
  version: Version,
  format: Format,
  name: string,
): Promise<FastifyReply> {
  const folder = await mkdtemp(join(context.scratchFolder, 'rows-'));
  const discard = () => rm(folder, { recursive: true, force: true });
  const path = join(folder, `rows.${format}`);
  try {
    await exportRows(context, version, { format, folder, path });
  } catch (caught) {
    await discard();
    throw caught;
  }
  const rows = createReadStream(path);
  rows.once('close', () => void discard());
  return reply
    .header('content-disposition', `attachment; filename="${name}.${format}"`)
    .type(contentTypes[format])
    .send(rows);
}

async function exportRows(
  { objectStore, tableEngine }: RouteContext,
  { manifest }: Version,
  to: { readonly format: Format; readonly folder: string; readonly path: string },
): Promise<void> {
  const parts: string[] = [];
  for (const [index, { sha256 }] of manifest.parts.entries()) {
    const part = join(to.folder, `${index}.parquet`);
    await objectStore.getFile(sha256, part);
    parts.push(part);
  }
  await tableEngine.exportRows({
    parts,
    columns: manifest.columns.map((column) => column.name),
    format: to.format,
    path: to.path,
  });
}
