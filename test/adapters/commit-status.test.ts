import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createOutboundHosts } from '../../adapters/outbound-hosts/checked.ts';
import { createGithubStatuses } from '../../adapters/commit-status/github.ts';
import type { GitConnection } from '../../contracts/access/connection.ts';

const heard: { request: IncomingMessage; body: unknown }[] = [];
let server: Server;
let answer = 201;
let connection: GitConnection;

beforeAll(async () => {
  server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      heard.push({ request, body: text === '' ? null : JSON.parse(text) });
      response.writeHead(answer, { location: '/elsewhere' }).end('{}');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v3/`;
  connection = { kind: 'git', token: 'the-token', api };
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  heard.length = 0;
  answer = 201;
});

function report(description: string, given = connection): Promise<void> {
  const status = {
    repository: 'git@forge.example:team/models.git',
    commit: 'c'.repeat(40),
    state: 'failure' as const,
    context: 'perennial/bike',
    description,
  };
  return createGithubStatuses({ hosts: createOutboundHosts({ allowPrivate: false }) }).report(status, given);
}

test("a status is sent to GitHub's address for it, with the token", async () => {
  await report('rmse 160 > 150');
  expect(heard.map(({ request }) => [request.method, request.url, request.headers.authorization])).toEqual([
    ['POST', `/api/v3/repos/team/models/statuses/${'c'.repeat(40)}`, 'Bearer the-token'],
  ]);
  expect(heard[0]?.body).toEqual({ state: 'failure', context: 'perennial/bike', description: 'rmse 160 > 150' });
});

test('a long reason is cut to the length that is shown', async () => {
  await report('x'.repeat(500));
  expect(heard[0]?.body).toMatchObject({ description: `${'x'.repeat(139)}…` });
});

test('without a token nothing is sent', async () => {
  await report('well', { kind: 'git', webhookSecret: 'a-secret-of-the-test' });
  expect(heard).toEqual([]);
});

test('a refusal of the server is final, a temporary error is not, and a redirect does not get the token', async () => {
  answer = 404;
  await expect(report('well')).rejects.toMatchObject({ code: 'source-unavailable', retryable: false });
  answer = 503;
  await expect(report('well')).rejects.not.toHaveProperty('code', 'source-unavailable');
  answer = 307;
  await expect(report('well')).rejects.toThrow();
  expect(heard.map(({ request }) => request.url)).not.toContain('/elsewhere');
});
