import { z } from 'zod';
import { CodeVersion } from '../../../contracts/code/code-version.ts';
import type { Configuration } from '../../../contracts/configuration/configuration.ts';
import { PerennialError } from '../../../contracts/errors.ts';
import type { Scope } from '../../../contracts/identifiers.ts';
import { Sha256 } from '../../../contracts/identifiers.ts';
import { authorize, enter } from '../../access/authorize.ts';
import { mustPossess } from '../../access/possession.ts';
import type { Api, RouteContext } from '../../route-context.ts';
import { sendBlob } from '../../answers/downloads.ts';
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
import { submitRun } from '../../submission.ts';
import { configurationIn } from './model-routes.ts';

const tags = ['code'];
/** Without an archive, the server fetches the repository that the configuration's `code.git` names. */
const Snapshot = z.strictObject({
  archive: Sha256.optional(),
  gitCommit: z
    .string()
    .regex(/^[0-9a-f]{7,64}$/, 'expected a commit in hexadecimal')
    .optional(),
  dirty: z.boolean().optional(),
  configuration: z
    .string()
    .optional()
    .describe(
      'Text of a perennial.yaml. The code is recorded as this configuration says, but only staged: it becomes the code of the environment when the configuration is applied with `codeRun`',
    ),
});

export function codeRoutes(app: Api, context: RouteContext): void {
  const { code } = context.repositories;

  app.post(
    '/v1/models/:model/code',
    {
      schema: {
        tags,
        summary: 'Record a code version from an uploaded folder (tar) or, without one, from the repository in code.git',
        headers: StartHeaders,
        params: ModelParams,
        querystring: EnvironmentQuery,
        body: Snapshot,
        response: { 202: StartedRun, ...problems },
      },
    },
    async (request, reply) => {
      const { archive, gitCommit, dirty, configuration: staged } = request.body;
      const { scope, configuration } =
        staged === undefined ? await entered(context, request) : await introduced(context, request, staged);
      if (archive !== undefined)
        await mustPossess(context, scope.project, { name: 'the archive', sha256: archive, pointer: '/archive' });
      const { command, environment, allowBuilds, network, validation, git } = configuration.code;
      if (archive === undefined && git === undefined)
        throw new PerennialError(
          'invalid-request',
          `the configuration of ${scope.model} has no code.git to fetch the code from; use \`perennial code snapshot\`, or upload the folder as a tar and give its SHA-256 in archive`,
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
          staged: staged === undefined ? undefined : true,
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
        summary: 'List code versions, newest first',
        headers: ProjectHeaders,
        params: ModelParams,
        querystring: EnvironmentPage,
        response: { 200: pageSchemaOf(CodeVersion), ...problems },
      },
    },
    async (request) => {
      const { scope } = await enter(context, request);
      return code.list(scope.modelId, request.query);
    },
  );

  app.get(
    '/v1/models/:model/code/:version',
    {
      schema: {
        tags,
        summary: 'Get a code version',
        headers: ProjectHeaders,
        params: NumberParams,
        querystring: EnvironmentQuery,
        response: { 200: CodeVersion, ...problems },
      },
    },
    async (request) => {
      const { scope } = await enter(context, request);
      return code.byNumber(scope.modelId, request.params.version);
    },
  );

  app.get(
    '/v1/models/:model/code/:version/archive',
    {
      schema: {
        tags,
        summary: 'Download the files of a code version as a canonical tar',
        headers: ProjectHeaders,
        params: NumberParams,
        querystring: EnvironmentQuery,
        response: bytesAs('application/x-tar'),
      },
    },
    async (request, reply) => {
      const { scope } = await enter(context, request);
      const version = await code.byNumber(scope.modelId, request.params.version);
      return sendBlob(reply, context.objectStore, version.manifest.archive, {
        type: 'application/x-tar',
        filename: `${scope.model}-code-${version.number}.tar`,
      });
    },
  );
}

interface Given {
  readonly scope: Scope;
  readonly configuration: Configuration;
}

type CodeRequest = Parameters<typeof enter>[1];

async function entered(context: RouteContext, request: CodeRequest): Promise<Given> {
  const { scope } = await enter(context, request);
  return { scope, configuration: (await context.repositories.models.currentConfiguration(scope)).configuration };
}

/** Creates the model if this is its first configuration. */
async function introduced(context: RouteContext, request: CodeRequest, text: string): Promise<Given> {
  const { headers, params, query } = request;
  const configuration = configurationIn(text, params.model);
  const project = headers['perennial-project'];
  const principal = authorize(context, request, { project, model: params.model, environment: query.environment });
  const scope = await context.repositories.models.introduce(project, query.environment, configuration, principal.id);
  return { scope, configuration };
}
