import { z } from 'zod';
import { CodeVersion } from '../../contracts/code.ts';
import { PerennialError } from '../../contracts/errors.ts';
import { Sha256 } from '../../contracts/identifiers.ts';
import { enter } from '../access.ts';
import type { Api, RouteContext } from '../dependencies.ts';
import { sendBlob } from '../downloads.ts';
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

const tags = ['code'];
/** Without an archive the server fetches what the configuration's code.git names. */
const Snapshot = z.strictObject({
  archive: Sha256.optional(),
  gitCommit: z
    .string()
    .regex(/^[0-9a-f]{7,64}$/, 'expected a commit in hexadecimal')
    .optional(),
  dirty: z.boolean().optional(),
});

export function codeRoutes(app: Api, context: RouteContext): void {
  const { code, blobs, models } = context.repositories;

  app.post(
    '/v1/models/:model/code',
    {
      schema: {
        tags,
        summary: 'Snapshot an uploaded folder (tar), or without one what code.git names',
        headers: StartHeaders,
        params: ModelParams,
        querystring: EnvironmentQuery,
        body: Snapshot,
        response: { 202: StartedRun, ...problems },
      },
    },
    async (request, reply) => {
      const { scope } = await enter(context, request, 'operator');
      const { archive, gitCommit, dirty } = request.body;
      if (archive !== undefined && !(await blobs.has(archive)))
        throw new PerennialError(
          'blob-missing',
          `the archive ${archive} was not uploaded; PUT it to /v1/blobs/${archive} first`,
          { pointer: '/archive', sha256: archive },
        );
      const { configuration } = await models.currentConfiguration(scope);
      const { command, environment, allowBuilds, network, validation, git } = configuration.code;
      if (archive === undefined && git === undefined)
        throw new PerennialError(
          'invalid-request',
          `code of ${scope.model} is a folder that the command line uploads; upload it and name it in archive`,
          { pointer: '/archive' },
        );
      const started = await submitRun(context, request, scope, {
        kind: 'run',
        schemaVersion: 1,
        request: {
          kind: 'code',
          schemaVersion: 1,
          archive,
          git: archive === undefined ? git : undefined,
          command,
          environmentPath: environment ?? null,
          allowBuilds: allowBuilds === true ? true : undefined,
          network,
          validation,
          gitCommit,
          dirty,
        },
      });
      return reply.code(202).send(started);
    },
  );

  app.get(
    '/v1/models/:model/code',
    {
      schema: {
        tags,
        summary: 'Versions, newest first',
        headers: ProjectHeaders,
        params: ModelParams,
        querystring: EnvironmentPage,
        response: { 200: pageOf(CodeVersion), ...problems },
      },
    },
    async (request) => {
      const { scope } = await enter(context, request, 'viewer');
      return code.list(scope.modelId, request.query);
    },
  );

  app.get(
    '/v1/models/:model/code/:version',
    {
      schema: {
        tags,
        summary: 'A version',
        headers: ProjectHeaders,
        params: NumberParams,
        querystring: EnvironmentQuery,
        response: { 200: CodeVersion, ...problems },
      },
    },
    async (request) => {
      const { scope } = await enter(context, request, 'viewer');
      return code.byNumber(scope.modelId, request.params.version);
    },
  );

  app.get(
    '/v1/models/:model/code/:version/archive',
    {
      schema: {
        tags,
        summary: 'Its files, as a canonical tar',
        headers: ProjectHeaders,
        params: NumberParams,
        querystring: EnvironmentQuery,
        response: bytesAs('application/x-tar'),
      },
    },
    async (request, reply) => {
      const { scope } = await enter(context, request, 'viewer');
      const version = await code.byNumber(scope.modelId, request.params.version);
      return sendBlob(reply, context.objectStore, version.manifest.archive, {
        type: 'application/x-tar',
        filename: `${scope.model}-code-${version.number}.tar`,
      });
    },
  );
}
