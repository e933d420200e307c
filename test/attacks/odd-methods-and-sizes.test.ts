import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AllowedMethods } from '../../contracts/access/allowed-methods.ts';
import { sha256OfBytes } from '../../contracts/digest.ts';
import type { TestApi } from '../support/api.ts';
import { applyBike, startTestApi } from '../support/api.ts';
import type { ServingGround, TestGateway } from '../support/serving-ground.ts';
import { layServingGround, startTestGateway } from '../support/serving-ground.ts';

interface Answer {
  readonly status: number;
  readonly allow: string | undefined;
  readonly text: string;
}

/** Sends a request unchanged on a new connection, including methods that `fetch` refuses to send. */
function send(
  url: string,
  method: string,
  headers: Record<string, string>,
  body: readonly Buffer[] = [],
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let isAnswered = false;
    const sent = request(url, { method, headers, agent: false }, (answer) => {
      isAnswered = true;
      let text = '';
      answer.on('data', (bytes: Buffer) => (text += bytes.toString()));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, allow: answer.headers.allow, text }));
    });
    // A server that refuses a body may close the connection before all of the body was sent.
    sent.on('error', (error) => isAnswered || reject(error));
    for (const chunk of body) sent.write(chunk);
    sent.end();
  });
}

const odd = ['QUERY', 'PATCH', 'OPTIONS', 'PROPFIND', 'TRACE', 'SEARCH', 'LINK'];
const json = { 'content-type': 'application/json' };
/** No body, a JSON body, and a body of a type that no route reads. */
const bodies: readonly [Record<string, string>, readonly Buffer[]][] = [
  [{}, []],
  [{ ...json, 'content-length': '2' }, [Buffer.from('{}')]],
  [{ 'content-type': 'text/odd', 'content-length': '1' }, [Buffer.from('x')]],
];

describe('the API', () => {
  let api: TestApi;
  let address: string;
  let authorization: string;
  beforeAll(async () => {
    api = await startTestApi();
    await applyBike(api);
    address = await api.api.listen({ host: '127.0.0.1', port: 0 });
    authorization = `Bearer ${api.keys.admin}`;
  });
  afterAll(() => api.stop());

  test.each(odd)('answers the method %s with 405 and the methods of the path, whatever the body', async (method) => {
    for (const [path, allow] of [
      ['/v1/models', 'GET, HEAD'],
      ['/v1/models/bike', 'GET, HEAD, PUT'],
      ['/v1/models/bike/schedules/nightly?environment=staging', 'DELETE, GET, HEAD, PUT'],
      ['/healthz', 'GET, HEAD'],
    ] as const)
      for (const [headers, body] of bodies) {
        const answer = await send(`${address}${path}`, method, { authorization, ...headers }, body);
        expect({ path, ...answer, text: JSON.parse(answer.text).code }).toEqual({
          path,
          status: 405,
          allow,
          text: 'method-not-allowed',
        });
      }
  });

  test.each(odd)('answers the method %s on an unknown path with 404, and without a key with 401', async (method) => {
    expect((await send(`${address}/nowhere`, method, { authorization })).status).toBe(404);
    expect((await send(`${address}/nowhere`, method, {})).status).toBe(401);
    expect(await send(`${address}/v1/models`, method, {})).toMatchObject({ status: 401, allow: undefined });
  });

  test('answers a wrong method on a known path with 405 as well', async () => {
    for (const [method, path] of [
      ['DELETE', '/v1/models'],
      ['POST', '/v1/runs'],
      ['PUT', '/v1/ledger'],
      ['GET', '/v1/models/bike/rollback'],
    ] as const)
      expect(await send(`${address}${path}`, method, { authorization })).toMatchObject({ status: 405 });
  });

  test('answers a body that is too large with 413, whether or not its length was announced', async () => {
    const large = Buffer.alloc(2 * 1024 ** 2, ' ');
    const url = `${address}/v1/models/bike/triggers`;
    expect(
      (await send(url, 'POST', { authorization, ...json, 'content-length': String(large.length) }, [large])).status,
    ).toBe(413);
    expect((await send(url, 'POST', { authorization, ...json }, [large])).status).toBe(413);
  });
});

describe('the gateway', () => {
  let ground: ServingGround;
  let serving: TestGateway;
  let authorization: string;
  beforeAll(async () => {
    ground = await layServingGround();
    await ground.deploy({ bias: 1 });
    serving = await startTestGateway(ground);
    authorization = `Bearer ${ground.key}`;
  });
  afterAll(async () => {
    await serving.close();
    await ground.stop();
  });

  test.each(odd)('answers the method %s with 405 in the format of the protocol', async (method) => {
    for (const [path, allow] of [
      ['/v2/models/bike/infer', 'POST'],
      ['/v2/models/bike', 'GET, HEAD'],
      ['/invocations?model=bike', 'POST'],
      ['/v2/health/ready', 'GET, HEAD'],
    ] as const)
      for (const [headers, body] of bodies) {
        const answer = await send(`${serving.gateway.address}${path}`, method, { authorization, ...headers }, body);
        expect({ path, status: answer.status, allow: answer.allow }).toEqual({ path, status: 405, allow });
        expect(Object.keys(JSON.parse(answer.text))).toEqual(['error']);
      }
    expect((await send(`${serving.gateway.address}/nowhere`, method, { authorization })).status).toBe(404);
    expect((await send(`${serving.gateway.address}/v2/models/bike`, method, {})).status).toBe(401);
  });

  test.each(['/v2/models/bike/infer', '/v2/models/bike/versions/1/infer', '/invocations?model=bike'])(
    'answers a body of more than 32 MiB to %s with 413 in the format of the protocol',
    async (path) => {
      const chunk = Buffer.alloc(1024 ** 2, ' ');
      const chunks = Array.from({ length: 33 }, () => chunk);
      const announced = { 'content-length': String(chunk.length * chunks.length) };
      for (const headers of [{}, announced]) {
        const answer = await send(
          `${serving.gateway.address}${path}`,
          'POST',
          { authorization, ...json, ...headers },
          chunks,
        );
        expect({ headers, status: answer.status }).toEqual({ headers, status: 413 });
        expect(Object.keys(JSON.parse(answer.text))).toEqual(['error']);
      }
    },
  );

  test('rejects an expired key, even one that it has accepted before', async () => {
    const principal = await ground.repositories.principals.ensure('guest', 'person', [{ role: 'viewer' }], null);
    const key = 'a-key-for-a-moment-0123456789abcdef';
    const expiresAt = new Date(Date.now() + 4_000).toISOString();
    await ground.repositories.principals.addKey(principal.id, sha256OfBytes(key), '', principal.id, expiresAt);
    const ask = async () =>
      (await send(`${serving.gateway.address}/v2/models/bike`, 'GET', { authorization: `Bearer ${key}` })).status;
    await expect.poll(ask, { timeout: 3_000 }).toBe(200);
    await expect.poll(ask, { timeout: 10_000 }).toBe(401);
    expect(new Date().toISOString() >= expiresAt).toBe(true);
  });
});

test('a path is not confused with a longer path that begins like it', () => {
  const allowed = new AllowedMethods();
  allowed.add({ method: 'GET', url: '/v1/models/:model' });
  allowed.add({ method: ['PUT', 'GET'], url: '/v1/models/:model' });
  allowed.add({ method: 'POST', url: '/page.html' });
  expect(allowed.of('/v1/models/bike')).toEqual(['GET', 'PUT']);
  expect(allowed.of('/v1/models')).toEqual([]);
  expect(allowed.of('/v1/models/bike/runs')).toEqual([]);
  expect(allowed.of('/pagexhtml')).toEqual([]);
});
