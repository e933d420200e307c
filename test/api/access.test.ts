import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Role } from '../../contracts/principal.ts';
import { roles } from '../../contracts/principal.ts';
import type { TestApi } from '../support/api.ts';
import { applyBike, startTestApi } from '../support/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
  await applyBike(api);
});
afterAll(() => api.stop());

const someId = '01a20a2c-88ef-70e6-9289-55045a8cb7d8';
const someDigest = 'a'.repeat(64);

function withParameters(path: string): string {
  const values: Record<string, string> = {
    model: 'bike',
    id: someId,
    key: someId,
    sha256: someDigest,
    version: '1',
    other: '2',
    name: 'nightly',
    environment: 'production',
  };
  return path.replaceAll(/\{(\w+)\}/g, (_whole, name: string) => values[name] ?? 'x');
}

async function everyOperation(): Promise<string[]> {
  const document = (await api.send('viewer', 'GET /openapi.json')).body as {
    paths: Record<string, Record<string, unknown>>;
  };
  return Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${withParameters(path)}`),
  );
}

describe('without a key', () => {
  test('every route answers 401, but the two of health', async () => {
    const operations = await everyOperation();
    expect(operations.length).toBeGreaterThan(45);
    const answered: string[] = [];
    for (const operation of operations) {
      const { status, body } = await api.send(null, operation);
      if (status !== 401) answered.push(operation);
      else
        expect(body).toMatchObject({
          type: 'urn:perennial:error:unauthenticated',
          status: 401,
          code: 'unauthenticated',
        });
    }
    expect(answered.toSorted()).toEqual(['GET /healthz', 'GET /readyz']);
  });

  test.each([
    'GET /metrics',
    'GET /openapi.json',
    'GET /docs',
    'GET /docs/',
    'GET /docs/json',
    'GET /docs/static/swagger-ui.css',
    'GET /',
    'GET /nowhere',
    'DELETE /v1/models',
    'GET /%zz',
    'GET /healthz/',
    'GET /readyz/../v1/models',
    'POST /healthz/x',
    'GET /v1/models?x=/healthz',
  ])('%s answers 401 as well', async (request) => {
    expect((await api.send(null, request)).status).toBe(401);
  });

  test.each(['Bearer', 'Bearer ', 'Bearer nobody-has-this-key', 'Basic YTpi', 'bearer', 'Token abc'])(
    '"%s" is no key',
    async (authorization) => {
      const { status, headers } = await api.send(null, 'GET /v1/models', undefined, { authorization });
      expect(status).toBe(401);
      expect(headers['www-authenticate']).toContain('Bearer');
    },
  );

  test('a body is not read before the key is', async () => {
    expect(
      (await api.send(null, 'POST /v1/models/bike/builds', '{"x":', { 'content-type': 'application/json' })).status,
    ).toBe(401);
  });
});

describe('with a key', () => {
  test('a revoked key stops within a second or so', async () => {
    const { id, key } = await api.addKey('leaver', [{ role: 'viewer' }]);
    expect((await api.send({ key }, 'GET /v1/models')).status).toBe(200);
    expect((await api.send('admin', `DELETE /v1/principals/${id}/keys`)).status).toBe(204);
    await expect.poll(async () => (await api.send({ key }, 'GET /v1/models')).status, { timeout: 3_000 }).toBe(401);
  });

  test('a browser opens the page with the key as its password, and nothing else', async () => {
    const authorization = `Basic ${Buffer.from(`anybody:${api.keys.viewer}`).toString('base64')}`;
    expect((await api.send(null, 'GET /docs', undefined, { authorization })).text).toContain('swagger');
    expect((await api.send(null, 'GET /openapi.json', undefined, { authorization })).status).toBe(200);
    expect((await api.send(null, 'GET /v1/models', undefined, { authorization })).status).toBe(401);
    expect((await api.send(null, 'GET /docs')).headers['www-authenticate']).toContain('Basic');
  });
});

describe('the least role that may', () => {
  // Nothing here is there or well-formed enough to succeed: what counts is whether it was refused for the role.
  const least: Record<string, Role> = {
    'GET /v1/models': 'viewer',
    'GET /v1/models/bike': 'viewer',
    'GET /v1/models/bike/datasets': 'viewer',
    'GET /v1/models/bike/code': 'viewer',
    'GET /v1/models/bike/versions': 'viewer',
    'GET /v1/models/bike/deployments': 'viewer',
    'GET /v1/models/bike/reports': 'viewer',
    'GET /v1/models/bike/rehearsals': 'viewer',
    'GET /v1/models/bike/schedules': 'viewer',
    'GET /v1/models/bike/served': 'viewer',
    'GET /v1/approvals': 'viewer',
    'GET /v1/runs': 'viewer',
    'GET /v1/ledger': 'viewer',
    'GET /v1/environments': 'viewer',
    'PUT /v1/models/bike': 'operator',
    [`PUT /v1/blobs/${someDigest}`]: 'operator',
    'POST /v1/models/bike/datasets': 'operator',
    'POST /v1/models/bike/code': 'operator',
    'POST /v1/models/bike/builds': 'operator',
    'POST /v1/models/bike/deployments': 'operator',
    'POST /v1/models/bike/rollback': 'operator',
    'POST /v1/models/bike/resume': 'operator',
    'POST /v1/models/bike/labels': 'operator',
    'POST /v1/models/bike/reports': 'operator',
    'POST /v1/models/bike/triggers': 'operator',
    'POST /v1/models/bike/rehearsals': 'operator',
    'PUT /v1/models/bike/schedules/nightly': 'operator',
    'DELETE /v1/models/bike/schedules/nightly': 'operator',
    'PUT /v1/environments/production': 'admin',
    'GET /v1/principals': 'admin',
    'POST /v1/principals': 'admin',
    [`POST /v1/principals/${someId}/keys`]: 'admin',
    [`DELETE /v1/principals/${someId}/keys`]: 'admin',
    [`DELETE /v1/principals/${someId}/keys/${someId}`]: 'admin',
  };
  const file = { name: 'a.csv', sha256: someDigest, format: 'csv' };
  const bodies: Record<string, unknown> = {
    'POST /v1/models/bike/datasets': { files: [file] },
    'POST /v1/models/bike/code': { archive: someDigest },
    'POST /v1/models/bike/deployments': { version: 1 },
    'POST /v1/models/bike/rollback': { reason: 'x' },
    'POST /v1/models/bike/resume': { reason: 'x' },
    'POST /v1/models/bike/labels': [{ id: 'a', value: 1 }],
    'POST /v1/models/bike/triggers': { kind: 'manual' },
    'POST /v1/models/bike/rehearsals': { from: '2011-07', to: '2011-08', every: 'month' },
    'PUT /v1/models/bike/schedules/nightly': { cron: '0 3 * * *' },
    'PUT /v1/environments/production': { minimumPolicy: null },
    'POST /v1/principals': { name: 'somebody', kind: 'person', grants: [] },
  };

  test.each(Object.entries(least))('%s: %s', async (request, role) => {
    for (const held of roles) {
      const body = bodies[request] ?? (request === 'PUT /v1/models/bike' ? await bikeJson() : undefined);
      const { status, body: answer } = await api.send(held, request, body);
      const refused = status === 403;
      expect({ held, refused, detail: refused ? answer.code : null }).toEqual({
        held,
        refused: roles.indexOf(held) < roles.indexOf(role),
        detail: roles.indexOf(held) < roles.indexOf(role) ? 'forbidden' : null,
      });
      expect(status).not.toBe(500);
    }
  });

  async function bikeJson(): Promise<unknown> {
    const { bikeInput } = await import('../support/api.ts');
    return bikeInput;
  }
});

describe('a grant on less than everything', () => {
  test('on one model: sees it in lists, and no other', async () => {
    const { key } = await api.addKey('bike-only', [{ role: 'operator', project: 'default', model: 'bike' }]);
    expect((await api.send({ key }, 'GET /v1/models')).body.items.map((model: { name: string }) => model.name)).toEqual(
      ['bike'],
    );
    expect((await api.send({ key }, 'GET /v1/models/bike')).status).toBe(200);
    expect((await api.send({ key }, 'GET /v1/models/taxi')).status).toBe(403);
    expect((await api.send({ key }, 'GET /v1/ledger')).status).toBe(403);
    expect((await api.send({ key }, 'GET /v1/ledger?model=bike')).status).toBe(200);
  });

  test('on one environment: nothing in another', async () => {
    const { key } = await api.addKey('stager', [{ role: 'operator', environment: 'staging' }]);
    await applyBike(api, 'staging');
    expect(
      (await api.send({ key }, 'POST /v1/models/bike/triggers?environment=staging', { kind: 'manual' })).status,
    ).toBe(202);
    expect((await api.send({ key }, 'POST /v1/models/bike/triggers', { kind: 'manual' })).status).toBe(403);
    expect(
      (
        await api.send({ key }, 'POST /v1/models/bike/rollback', {
          environment: 'production',
          reason: 'x',
        })
      ).status,
    ).toBe(403);
  });

  test('on another project: this one is closed', async () => {
    const { key } = await api.addKey('elsewhere', [{ role: 'admin', project: 'other' }]);
    expect((await api.send({ key }, 'GET /v1/models')).status).toBe(403);
    expect((await api.send({ key }, 'GET /v1/models', undefined, { 'perennial-project': 'other' })).status).toBe(200);
    expect(
      (await api.send({ key }, 'POST /v1/principals', { name: 'crony', kind: 'person', grants: [{ role: 'admin' }] }))
        .status,
    ).toBe(403);
  });
});
