import fastify from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Api } from '../../api/route-context.ts';
import { requireAccess } from '../../api/server-hooks.ts';
import type { TestApi } from '../support/api.ts';
import { applyBike, startTestApi } from '../support/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
  await applyBike(api);
});
afterAll(() => api.stop());

describe('without a key', () => {
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
    'the header "%s" is not accepted as a key',
    async (authorization) => {
      const { status, headers } = await api.send(null, 'GET /v1/models', undefined, { authorization });
      expect(status).toBe(401);
      expect(headers['www-authenticate']).toContain('Bearer');
    },
  );

  test('the key is checked before the body is read', async () => {
    expect(
      (await api.send(null, 'POST /v1/models/bike/builds', '{"x":', { 'content-type': 'application/json' })).status,
    ).toBe(401);
  });
});

describe('with a key', () => {
  test('a revoked key stops working within a second or so', async () => {
    const { id, key } = await api.addKey('leaver', [{ role: 'viewer' }]);
    expect((await api.send({ key }, 'GET /v1/models')).status).toBe(200);
    expect((await api.send('admin', `DELETE /v1/principals/${id}/keys`)).status).toBe(204);
    await expect.poll(async () => (await api.send({ key }, 'GET /v1/models')).status, { timeout: 3_000 }).toBe(401);
  });

  test('with the key as the password of HTTP Basic, a browser can open the documentation page and nothing else', async () => {
    const authorization = `Basic ${Buffer.from(`anybody:${api.keys.viewer}`).toString('base64')}`;
    expect((await api.send(null, 'GET /docs', undefined, { authorization })).text).toContain('swagger');
    expect((await api.send(null, 'GET /openapi.json', undefined, { authorization })).status).toBe(200);
    expect((await api.send(null, 'GET /v1/models', undefined, { authorization })).status).toBe(401);
    expect((await api.send(null, 'GET /docs')).headers['www-authenticate']).toContain('Basic');
  });
});

describe('a limited grant', () => {
  test('on one model shows that model in lists, and no other', async () => {
    const { key } = await api.addKey('bike-only', [{ role: 'operator', project: 'default', model: 'bike' }]);
    expect((await api.send({ key }, 'GET /v1/models')).body.items.map((model: { name: string }) => model.name)).toEqual(
      ['bike'],
    );
    expect((await api.send({ key }, 'GET /v1/models/bike')).status).toBe(200);
    expect((await api.send({ key }, 'GET /v1/models/taxi')).status).toBe(403);
    expect((await api.send({ key }, 'GET /v1/ledger?model=taxi')).status).toBe(403);
    expect((await api.send({ key }, 'GET /v1/ledger')).status).toBe(200);
    expect((await api.send({ key }, 'GET /v1/ledger?model=bike')).status).toBe(200);
  });

  test('on one environment permits nothing in another', async () => {
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

  test('on another project permits nothing in this one', async () => {
    const { key } = await api.addKey('elsewhere', [{ role: 'admin', project: 'other' }]);
    expect((await api.send({ key }, 'GET /v1/models')).status).toBe(403);
    expect((await api.send({ key }, 'GET /v1/models', undefined, { 'perennial-project': 'other' })).status).toBe(200);
    expect(
      (await api.send({ key }, 'POST /v1/principals', { name: 'crony', kind: 'person', grants: [{ role: 'admin' }] }))
        .status,
    ).toBe(403);
  });
});

describe('a new route', () => {
  test('that is missing from the access table keeps the server from starting', () => {
    const app: Api = fastify().withTypeProvider<ZodTypeProvider>();
    requireAccess(app);
    expect(() => app.get('/v1/secrets', () => ({}))).toThrow(
      'api/access/access-table.ts does not say who may GET /v1/secrets',
    );
  });

  test('that checks no role returns nothing', async () => {
    const app: Api = fastify().withTypeProvider<ZodTypeProvider>();
    requireAccess(app);
    app.get('/v1/ledger', () => ({ secret: 'rows' }));
    const { statusCode, body } = await app.inject('/v1/ledger');
    expect(statusCode).toBe(500);
    expect(body).not.toContain('rows');
  });
});
