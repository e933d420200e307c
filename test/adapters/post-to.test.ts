import { Agent, createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { postTo } from '../../adapters/outbound-hosts/post-to.ts';

const open: (() => Promise<void>)[] = [];
afterEach(() => Promise.all(open.splice(0).map((close) => close())));

async function receiver(answer: RequestListener): Promise<URL> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push(() => new Promise((resolve) => (server.closeAllConnections(), server.close(() => resolve()))));
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
}

const message = { headers: {}, body: '{}', withinMs: 10_000 };

test('a receiver that does not answer in time fails with an error that says so', async () => {
  const url = await receiver(() => {});
  await expect(postTo(url, new Agent(), { ...message, withinMs: 50 })).rejects.toThrow(
    'the host did not answer within 0.05 s',
  );
});

test('an aborted request fails with the given reason', async () => {
  const stopped = new AbortController();
  const url = await receiver(() => stopped.abort(new Error('the worker stops')));
  await expect(postTo(url, new Agent(), { ...message, signal: stopped.signal })).rejects.toThrow('the worker stops');
});

test('an endless response is not read', async () => {
  const closed = Promise.withResolvers<void>();
  const url = await receiver((_request, response) => {
    response.writeHead(202).write('x'.repeat(1_000));
    response.once('close', closed.resolve);
  });
  expect(await postTo(url, new Agent(), message)).toBe(202);
  await closed.promise;
});
