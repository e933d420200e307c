import { once } from 'node:events';
import { type ClientRequest, IncomingMessage, request as httpRequest, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import fastify from 'fastify';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BodyBudget, boundBodies } from '../../gateway/protocols/body-budget.ts';
import { acceptJsonBodies } from '../../gateway/protocols/request-bodies.ts';
import { columnsModel } from '../support/onnx-models.ts';
import type { ServingGround, TestGateway } from '../support/serving-ground.ts';
import { layServingGround, startTestGateway } from '../support/serving-ground.ts';

const mebibyte = 2 ** 20;

let ground: ServingGround;
let serving: TestGateway;

beforeAll(async () => {
  ground = await layServingGround();
  await ground.deployModel(columnsModel({ features: ['a'], weights: [1], bias: 0 }), {
    schemaVersion: 1,
    layout: 'columns',
    inputs: [{ name: 'a', type: 'FP32' }],
    output: { name: 'y', type: 'FP32' },
  });
  serving = await startTestGateway(ground, { bodyBytesAtMost: 3 * mebibyte });
});
afterAll(async () => {
  await serving.close();
  await ground.stop();
});

const inputs = '{"inputs":[{"name":"a","datatype":"FP32","shape":[1],"data":[4]}]}';
const large = Buffer.from(inputs + ' '.repeat(2 * mebibyte));

function open(headers: Readonly<Record<string, string | number>>): ClientRequest {
  const url = `${serving.gateway.address}/v2/models/bike/infer`;
  const key = { authorization: `Bearer ${ground.key}`, 'content-type': 'application/json' };
  return httpRequest(url, { method: 'POST', headers: { ...key, ...headers } });
}

interface Answered {
  readonly status: number | undefined;
  readonly error: string | string[] | undefined;
  readonly retryAfter: string | undefined;
}

async function answered(request: ClientRequest): Promise<Answered> {
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  answer.resume();
  await once(answer, 'end');
  const { statusCode: status, headers } = answer;
  return { status, error: headers['perennial-error'], retryAfter: headers['retry-after'] };
}

async function send(body: Buffer, headers: Readonly<Record<string, string | number>> = {}): Promise<Answered> {
  const request = open({ 'content-length': body.length, ...headers });
  const answer = answered(request);
  request.end(body);
  return answer;
}

const taken = { status: 200, error: undefined, retryAfter: undefined };
const busy = { status: 503, error: 'too-busy', retryAfter: '1' };

/** Sends a large body except for its end, and returns when the gateway counts it. */
async function begin(): Promise<ClientRequest> {
  const request = open({ 'content-length': large.length });
  request.write(large.subarray(0, -1));
  while ((await send(large)).status === 200);
  return request;
}

test('a large body is refused while others take the bytes, small ones are not, and the bytes are given back', async () => {
  const first = await begin();
  expect(await send(large)).toEqual(busy);
  expect(await send(Buffer.from(inputs))).toEqual(taken);
  const answer = answered(first);
  first.end(large.subarray(-1));
  expect(await answer).toEqual(taken);
  expect(await send(large)).toEqual(taken);
});

test('the bytes of a client that goes away are given back', async () => {
  const first = await begin();
  first.on('error', () => {});
  first.destroy();
  await expect.poll(() => send(large)).toEqual(taken);
});

test('a body of unknown length and a compressed one are counted too', async () => {
  const first = await begin();
  const chunked = open({});
  const answer = answered(chunked);
  // The gateway answers before the end of the body.
  chunked.on('error', () => {});
  chunked.end(large);
  expect(await answer).toEqual(busy);
  expect(await send(gzipSync(large), { 'content-encoding': 'gzip' })).toEqual(busy);
  expect(await send(gzipSync(inputs), { 'content-encoding': 'gzip' })).toEqual(taken);
  first.destroy();
  first.on('error', () => {});
  await expect.poll(() => send(gzipSync(large), { 'content-encoding': 'gzip' })).toEqual(taken);
});

test('a request of unknown length ends when its client goes away', async () => {
  const app = fastify();
  acceptJsonBodies(app);
  boundBodies(app, new BodyBudget());
  const ended: unknown[] = [];
  app.setErrorHandler((caught, _request, reply) => {
    ended.push(caught);
    return reply.code(400).send();
  });
  app.post('/', () => 'ok');
  const address = await app.listen({ host: '127.0.0.1', port: 0 });
  const request = httpRequest(address, { method: 'POST', headers: { 'content-type': 'application/json' } });
  request.on('error', () => {});
  const received = once(app.server, 'request');
  request.write('{"inputs":');
  await received;
  request.destroy();
  await expect.poll(() => ended).toMatchObject([{ code: 'invalid-request' }]);
  await app.close();
});

test('the parts of one body are held by one listener, and let go together', () => {
  const budget = new BodyBudget(100);
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  for (let part = 0; part < 10; part += 1) budget.hold(10, response);
  expect(response.listenerCount('close')).toBe(1);
  expect(() => budget.hold(1, response)).toThrow('holds as many bytes');
  response.emit('close');
  budget.hold(100, new ServerResponse(new IncomingMessage(new Socket())));
});
