import { Validator } from '@seriousme/openapi-schema-validator';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TestApi } from '../support/api.ts';
import { modelFormats } from '../../contracts/model-format.ts';
import { startTestApi } from '../support/api.ts';

// The routes that the documentation promises to clients.
const promised = `
GET /healthz
GET /readyz
GET /metrics
PUT /v1/blobs/{sha256}
GET /v1/models
PUT /v1/models/{model}
GET /v1/models/{model}
POST /v1/models/{model}/datasets
GET /v1/models/{model}/datasets
GET /v1/models/{model}/datasets/{version}
GET /v1/models/{model}/datasets/{version}/rows
GET /v1/models/{model}/datasets/{version}/diff/{other}
POST /v1/models/{model}/code
GET /v1/models/{model}/code
GET /v1/models/{model}/code/{version}
GET /v1/models/{model}/code/{version}/archive
POST /v1/models/{model}/builds
GET /v1/models/{model}/versions
GET /v1/models/{model}/versions/{version}
GET /v1/models/{model}/versions/{version}/artifact
POST /v1/models/{model}/deployments
GET /v1/models/{model}/deployments
POST /v1/models/{model}/rollback
POST /v1/models/{model}/resume
GET /v1/approvals
GET /v1/approvals/{id}
GET /v1/approvals/{id}/evidence
GET /v1/approvals/{id}/evidence.html
POST /v1/approvals/{id}/votes
POST /v1/models/{model}/labels
GET /v1/models/{model}/labels/corrections
POST /v1/models/{model}/reports
GET /v1/models/{model}/reports
GET /v1/models/{model}/reports/{id}/page.html
POST /v1/models/{model}/triggers
POST /v1/models/{model}/rehearsals
GET /v1/models/{model}/rehearsals
GET /v1/rehearsals/{id}
PUT /v1/models/{model}/schedules/{name}
GET /v1/models/{model}/schedules/{name}
DELETE /v1/models/{model}/schedules/{name}
GET /v1/environments
PUT /v1/environments/{environment}
GET /v1/connections
PUT /v1/connections/{name}
GET /v1/connections/{name}
DELETE /v1/connections/{name}
POST /v1/principals
GET /v1/principals
POST /v1/principals/{id}/keys
DELETE /v1/principals/{id}/keys
GET /v1/runs
GET /v1/runs/{id}
GET /v1/runs/{id}/logs
GET /v1/runs/{id}/quarantine
POST /v1/runs/{id}/cancel
GET /v1/models/{model}/served
GET /v1/ledger
POST /v1/webhooks/git/{model}`
  .trim()
  .split('\n');

type Document = {
  info: { version: string };
  paths: Record<
    string,
    Record<
      string,
      { responses: Record<string, unknown>; summary: string; tags: string[]; requestBody?: { content: object } }
    >
  >;
  components: { schemas: Record<string, unknown> };
};

let api: TestApi;
let document: Document;
beforeAll(async () => {
  api = await startTestApi();
  document = (await api.send('viewer', 'GET /openapi.json')).body as Document;
});
afterAll(() => api.stop());

function operations(): string[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
}

test('the document is valid OpenAPI 3.1', async () => {
  const { valid, errors } = await new Validator().validate(document);
  expect(errors ?? []).toEqual([]);
  expect(valid).toBe(true);
});

test('every reference in the document leads to a schema', () => {
  const dangling: string[] = [];
  JSON.stringify(document, (key, value: unknown) => {
    if (
      key === '$ref' &&
      !Object.hasOwn(document.components.schemas, String(value).replace('#/components/schemas/', ''))
    )
      dangling.push(String(value));
    return value;
  });
  expect(dangling).toEqual([]);
});

test('every promised route is in the document', () => {
  expect(promised.filter((route) => !operations().includes(route))).toEqual([]);
});

test('every route of the server is in the document', () => {
  const served = [...routesOf(api.api.printRoutes({ commonPrefix: false, includeHooks: false }))];
  const undocumented = served.filter(
    (route) => !operations().includes(route) && !/ (\/docs.*|\/openapi\.json)$/.test(route),
  );
  expect(undocumented).toEqual([]);
  expect(served.length).toBeGreaterThanOrEqual(operations().length);
});

/** Parses the routes from Fastify's printed tree, where each level is four columns wide. */
function* routesOf(tree: string): Generator<string> {
  const path: string[] = [];
  for (const line of tree.split('\n')) {
    const drawn = /^((?:│ {3}| {4})*)(?:├──|└──) (\S+)(?: \((.+)\))?/.exec(line);
    if (!drawn) continue;
    const depth = (drawn[1] ?? '').length / 4;
    path.length = depth;
    path[depth] = drawn[2] ?? '';
    const url = path.join('').replaceAll(/:(\w+)/g, '{$1}');
    for (const method of drawn[3]?.split(', ') ?? []) if (method !== 'HEAD') yield `${method} ${url}`;
  }
}

test('every operation describes what it does and its errors', () => {
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const where = `${method} ${path}`;
      expect(operation.summary, where).toMatch(/\w/);
      expect(operation.tags, where).toHaveLength(1);
      expect(Object.keys(operation.responses).length, where).toBeGreaterThan(0);
    }
  }
  expect(Object.keys(document.paths['/v1/models/{model}']?.['put']?.requestBody?.content ?? {})).toEqual([
    'application/json',
    'application/yaml',
  ]);
  expect(Object.keys(document.paths['/v1/models/{model}/labels']?.['post']?.requestBody?.content ?? {})).toEqual([
    'application/json',
    'application/x-ndjson',
    'text/csv',
  ]);
});

test('a model version is a union by its format, with one member for each registered format', () => {
  const answer = document.paths['/v1/models/{model}/versions/{version}']?.['get']?.responses['200'] as {
    content: { 'application/json': { schema: { oneOf: { properties: { format: object } }[] } } };
  };
  const { oneOf } = answer.content['application/json'].schema;
  expect(oneOf.map(({ properties }) => properties.format)).toEqual(
    Object.keys(modelFormats).map((name) => ({ type: 'string', enum: [name] })),
  );
});

test('the version of the document is the package’s', async () => {
  const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  expect(document.info.version).toBe(version);
  expect((await api.send('viewer', 'GET /v1/system')).body.version).toBe(version);
});
