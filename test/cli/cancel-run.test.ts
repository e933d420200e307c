import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ApiClient } from '../../cli/api-client.ts';
import { cancelBeforeLeaving } from '../../cli/following/cancel-run.ts';

const asked: string[] = [];
// Stands in for an API that, depending on the run, accepts the cancellation, refuses it, or is too busy to answer.
const server = createServer((request, response) => {
  void text(request).then((body) => {
    asked.push(`${request.method} ${request.url} ${body}`);
    if (request.url?.includes('busy') === true) return;
    response.writeHead(request.url?.includes('ended') === true ? 409 : 202, { 'content-type': 'application/json' });
    response.end('{}');
  });
});
const direct = { key: 'key', project: 'default', proxy: null };
let api: ApiClient;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  api = new ApiClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, direct);
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

test('leaving a waiting command cancels the run, and reports whether the cancellation was recorded', async () => {
  expect(await cancelBeforeLeaving(api, 'going-on', 'broken off')).toBe(true);
  expect(asked).toEqual(['POST /v1/runs/going-on/cancel {"reason":"broken off"}']);
  expect(await cancelBeforeLeaving(api, 'ended', 'broken off')).toBe(false);
});

test('an API that does not answer or does not run prevents nobody from leaving', async () => {
  expect(await cancelBeforeLeaving(api, 'busy', 'broken off', 50)).toBe(false);
  expect(await cancelBeforeLeaving(new ApiClient('http://127.0.0.1:9', direct), 'r', 'x')).toBe(false);
});
