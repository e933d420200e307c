import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { Approval } from '../../contracts/serving/approval.ts';
import { CodeVersion } from '../../contracts/code/code-version.ts';
import { Command } from '../../contracts/runs/command.ts';
import { Configuration } from '../../contracts/configuration/configuration.ts';
import { DatasetVersion } from '../../contracts/data/dataset-version.ts';
import { Generation } from '../../contracts/serving/deployment.ts';
import { Environment } from '../../contracts/serving/environment.ts';
import { Evaluation, EvaluationBody } from '../../contracts/models/evaluation.ts';
import { Model } from '../../contracts/models/model.ts';
import { ModelVersion } from '../../contracts/models/model-version.ts';
import { Principal } from '../../contracts/access/principal.ts';
import { Rehearsal } from '../../contracts/runs/rehearsal.ts';
import { Release } from '../../contracts/serving/release.ts';
import { Report } from '../../contracts/monitoring/report.ts';
import { Run, RunRequest } from '../../contracts/runs/run.ts';
import { Schedule } from '../../contracts/runs/schedule.ts';
import type { Api } from '../route-context.ts';
import { withResolvedReferences } from './openapi-references.ts';
import { ProblemDocument } from '../problem.ts';

/** Schemas that the document defines once and refers to. */
const nouns = {
  Approval,
  CodeVersion,
  Command,
  Configuration,
  DatasetVersion,
  Environment,
  Evaluation,
  EvaluationBody,
  Generation,
  Model,
  ModelVersion,
  Principal,
  Problem: ProblemDocument,
  Rehearsal,
  Release,
  Report,
  Run,
  RunRequest,
  Schedule,
};

const about = `Keeps models fresh in production: data, build, deploy, monitor, again.

Errors are problem documents (RFC 9457). Lists are paged with \`cursor\`. POST requests that start something accept the header \`Idempotency-Key\` and answer 202.
The header \`Perennial-Project\` names the project; the query parameter \`environment\` names the environment.`;

const bytes = { schema: { type: 'string', format: 'binary' } };

/** Bodies that are streamed or have their own parser, so that the routes' schemas do not describe them. */
const otherBodies: Readonly<Record<string, Record<string, object>>> = {
  'put /v1/blobs/{sha256}': { 'application/octet-stream': bytes },
  'put /v1/models/{model}': {
    'application/json': { schema: { $ref: '#/components/schemas/ConfigurationInput' } },
    'application/yaml': { schema: { type: 'string', description: 'perennial.yaml' } },
  },
  'post /v1/webhooks/git/{model}': {
    'application/json': { schema: { type: 'object', description: "The payload of GitHub's push event" } },
  },
  'post /v1/models/{model}/labels': {
    'application/x-ndjson': { schema: { type: 'string', description: 'One label per line' } },
    'text/csv': {
      schema: {
        type: 'string',
        description: 'The header has the columns value and either id or request, and optionally row and at',
      },
    },
  },
};

/**
 * Registers `/openapi.json`, generated from the schemas that validate requests and answers, and the page `/docs` to
 * read it.
 */
export async function registerOpenApi(app: Api, version: string): Promise<void> {
  const schemaRegistry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(nouns)) schemaRegistry.add(schema, { id });
  const transformObject = createJsonSchemaTransformObject({ schemaRegistry });
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Perennial',
        version,
        description: about,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } },
      security: [{ key: [] }],
    },
    transform: createJsonSchemaTransform({ schemaRegistry }),
    transformObject: (document) => withOtherBodies(transformObject(document)),
  });
  await app.register(swaggerUi, { routePrefix: '/docs', staticCSP: true });
  let document: unknown;
  app.get('/openapi.json', { schema: { hide: true } }, () => (document ??= withResolvedReferences(app.swagger())));
}

type OpenApiDocument = ReturnType<ReturnType<typeof createJsonSchemaTransformObject>>;

function withOtherBodies(document: OpenApiDocument): OpenApiDocument {
  for (const [path, operations] of Object.entries(document.paths ?? {})) {
    for (const [method, operation] of Object.entries(operations ?? {})) {
      const content = otherBodies[`${method} ${path}`];
      if (content && isOperation(operation))
        operation.requestBody = { required: true, content: { ...operation.requestBody?.content, ...content } };
    }
  }
  return document;
}

interface Operation {
  requestBody?: { readonly required: boolean; readonly content: object };
}

function isOperation(value: unknown): value is Operation {
  return typeof value === 'object' && value !== null && 'responses' in value;
}
