import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { RequestListener, Server } from 'node:http';
import { createServer } from 'node:http';
import { createServer as createPlainServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createSystemClock } from '../../adapters/clock/system.ts';
import { createGithubStatuses } from '../../adapters/commit-status/github.ts';
import { fetchingTo } from '../support/fetching-to.ts';
import { createRemoteDataSource } from '../../adapters/data-source/remote.ts';
import { Upstream } from '../../adapters/environments/indexes/upstream.ts';
import { createWebhookNotifier } from '../../adapters/notifier/webhook-notifier.ts';
import { createOutboundHosts } from '../../adapters/outbound-hosts/checked.ts';
import { proxiesOf } from '../../contracts/settings/proxies.ts';
import type { WebProxy } from '../support/web-proxy.ts';
import { startWebProxy } from '../support/web-proxy.ts';

// Uses names that only the proxy can resolve, as behind a company's firewall.

const never = new AbortController().signal;
const unknownHere = async (): Promise<never> => {
  throw new Error('getaddrinfo ENOTFOUND');
};
let folder: string;
const servers: Server[] = [];
let proxy: WebProxy | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perennial-proxy-'));
});
afterEach(async () => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
  await proxy?.close();
  proxy = undefined;
  await rm(folder, { recursive: true, force: true });
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Starts a proxy that requires a user and a password and resolves these names. */
async function behindProxy(names: Readonly<Record<string, string>>) {
  proxy = await startWebProxy(names, 'user:s3cret');
  const proxies = proxiesOf({ HTTP_PROXY: proxy.url });
  return createOutboundHosts({ allowPrivate: false, proxies, lookupAll: unknownHere });
}

function fetchFrom(hosts: ReturnType<typeof createOutboundHosts>, url: string) {
  return createRemoteDataSource({ hosts, firstPauseMs: 1, idleMs: 2_000 }).fetch({ url }, fetchingTo(folder));
}

async function failure(work: Promise<unknown>): Promise<Error> {
  return work.then(
    () => expect.fail('it should have failed'),
    (caught: Error) => caught,
  );
}

test('a source by URL, and the target of its redirect, are fetched through the proxy', async () => {
  const files = await serve((incoming, outgoing) =>
    incoming.url === '/a.csv'
      ? outgoing.writeHead(302, { location: 'http://other.example/b.csv' }).end()
      : outgoing.end('id,x\n1,2\n'),
  );
  const hosts = await behindProxy({ 'files.example': files, 'other.example': files });
  const [file] = await fetchFrom(hosts, 'http://files.example/a.csv');
  expect(await readFile(file!.path, 'utf8')).toBe('id,x\n1,2\n');
  expect(proxy?.asked).toEqual(['GET http://files.example/a.csv', 'GET http://other.example/b.csv']);
});

test('an object of a store is fetched through the proxy', async () => {
  const store = await serve((incoming, outgoing) =>
    outgoing
      .writeHead(200, { etag: '"e"', 'content-length': '3', 'last-modified': new Date(0).toUTCString() })
      .end(incoming.method === 'HEAD' ? '' : 'id\n'),
  );
  const hosts = await behindProxy({ 's3.example': store });
  const connection = {
    kind: 's3' as const,
    endpoint: 'http://s3.example',
    bucket: 'rows',
    accessKey: 'a',
    secretKey: 'b',
    region: 'eu-central-1',
  };
  const source = { s3: { connection: 'store', key: 'a.csv' } };
  const [file] = await createRemoteDataSource({ hosts }).fetch(source, fetchingTo(folder, connection));
  expect(await readFile(file!.path, 'utf8')).toBe('id\n');
  expect(proxy?.asked).toContain('GET http://s3.example/rows/a.csv');
});

test('a webhook and a commit status are sent through the proxy', async () => {
  const heard: string[] = [];
  const receiver = await serve((incoming, outgoing) => {
    void text(incoming).then((body) => heard.push(`${incoming.url} ${body}`));
    outgoing.writeHead(201).end();
  });
  const hosts = await behindProxy({ 'hooks.example': receiver, 'forge.example': receiver });
  const webhook = { kind: 'webhook', url: 'http://hooks.example/in', secret: 'whsec_c2VjcmV0' } as const;
  const message = { id: 'm', type: 'test', at: new Date(0).toISOString(), data: {} };
  await createWebhookNotifier({ clock: createSystemClock(), hosts }).send(webhook, message, never);
  const status = { commit: 'c'.repeat(40), state: 'success', context: 'perennial/m', description: 'ok' } as const;
  const forge = { kind: 'git', url: 'https://forge.example/t/m.git', token: 't', api: 'http://forge.example' } as const;
  await createGithubStatuses({ hosts }).report({ ...status, repository: 'https://forge.example/t/m.git' }, forge);
  expect(heard).toHaveLength(2);
  expect(proxy?.asked).toEqual([
    'POST http://hooks.example/in',
    `POST http://forge.example/repos/t/m/statuses/${status.commit}`,
  ]);
});

test('a package index is requested through the proxy, and one on this machine is not', async () => {
  const index = await serve((_incoming, outgoing) => outgoing.end('page'));
  await behindProxy({ 'index.example': index });
  const upstream = new Upstream({
    authorities: [],
    clientCertificate: undefined,
    trustedHosts: [],
    proxies: proxiesOf({ https_proxy: proxy!.url, http_proxy: proxy!.url }),
    idleMs: 2_000,
  });
  for (const address of ['http://index.example/simple/', `http://${index}/simple/`]) {
    const url = new URL(address);
    const { status, body } = await upstream.get({
      url,
      index: url,
      accept: '*/*',
      authorization: undefined,
      signal: never,
    });
    body.resume();
    expect(status).toBe(200);
  }
  upstream.close();
  expect(proxy?.asked).toEqual(['GET http://index.example/simple/']);
});

test('hosts in NO_PROXY and this machine are reached directly', async () => {
  const files = await serve((_incoming, outgoing) => outgoing.end('id\n1\n'));
  proxy = await startWebProxy({});
  const hosts = createOutboundHosts({
    allowPrivate: true,
    proxies: proxiesOf({ HTTP_PROXY: proxy.url, NO_PROXY: '.inside.example' }),
    lookupAll: async () => [{ address: '127.0.0.1' }],
  });
  const port = files.split(':')[1];
  for (const host of ['files.inside.example', 'localhost', '127.0.0.1'])
    await fetchFrom(hosts, `http://${host}:${port}/a.csv`);
  expect(proxy.asked).toEqual([]);
});

test('a private target is refused behind a proxy too, by its address and by a name that this machine resolves', async () => {
  const inside = await serve((_incoming, outgoing) => outgoing.end('secret'));
  proxy = await startWebProxy({ '10.1.2.3': inside, 'inside.example': inside });
  const hosts = createOutboundHosts({
    allowPrivate: false,
    proxies: proxiesOf({ HTTP_PROXY: proxy.url }),
    lookupAll: async () => [{ address: '10.1.2.3' }],
  });
  for (const host of ['10.1.2.3', 'inside.example', '169.254.169.254', '[fd00::1]'])
    expect(await failure(fetchFrom(hosts, `http://${host}/a.csv`)), host).toMatchObject({ code: 'source-refused' });
  expect(proxy.asked).toEqual([]);
});

test.each(['http', 'https'])(
  'a proxy that is down ends a fetch over %s with an error that names the proxy',
  async (protocol) => {
    const proxies = proxiesOf({ HTTP_PROXY: 'http://user:s3cret@127.0.0.1:9' });
    const hosts = createOutboundHosts({ allowPrivate: false, proxies, lookupAll: unknownHere });
    const { message } = await failure(fetchFrom(hosts, `${protocol}://files.example/a.csv`));
    expect(message).toMatch(
      /could not be fetched in 5 attempts: .*ECONNREFUSED.* \(through the proxy http:\/\/127\.0\.0\.1:9\)/,
    );
    expect(message).not.toContain('s3cret');
    const way = await hosts.route(new URL(`${protocol}://files.example`));
    expect(way.reasonOf(await failure(way.connect()))).toMatch(/ECONNREFUSED.*through the proxy/);
  },
);

test.each(['http', 'https'])(
  'an error names a proxy that requires credentials and the way out, over %s',
  async (protocol) => {
    const files = await serve((_incoming, outgoing) => outgoing.end('id\n1\n'));
    await behindProxy({ 'files.example': files });
    const proxies = proxiesOf({ HTTP_PROXY: proxy!.url.replace('s3cret', 'wrong') });
    const hosts = createOutboundHosts({ allowPrivate: false, proxies, lookupAll: unknownHere });
    const { message } = await failure(fetchFrom(hosts, `${protocol}://files.example/a.csv`));
    expect(message).toMatch(/the proxy http:\/\/127\.0\.0\.1:\d+ needs a user and a password/);
    expect(message).not.toContain('wrong');
  },
);

test('a proxy that never answers ends a request in time', async () => {
  const silent = createPlainServer(() => {}).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const proxies = proxiesOf({ HTTP_PROXY: `http://127.0.0.1:${(silent.address() as AddressInfo).port}` });
  const reach = { authorities: [], clientCertificate: undefined, trustedHosts: [], proxies, idleMs: 200 };
  const upstream = new Upstream(reach);
  const url = new URL('https://index.example/simple/');
  const asked = upstream.get({ url, index: url, accept: '*/*', authorization: undefined, signal: never });
  expect((await failure(asked)).message).toMatch(
    /did not answer through the proxy http:\/\/127\.0\.0\.1:\d+: .*timed out/,
  );
  upstream.close();
  silent.close();
});

test('a tunnel carries bytes both ways', async () => {
  const echo = createPlainServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
  await once(echo, 'listening');
  const hosts = await behindProxy({ 'forge.example:443': `127.0.0.1:${(echo.address() as AddressInfo).port}` });
  const socket = await (await hosts.route(new URL('https://forge.example/a.git'))).connect();
  socket.end('hello');
  expect(await text(socket)).toBe('hello');
  expect(proxy?.asked).toEqual(['CONNECT forge.example:443']);
  echo.close();
});
