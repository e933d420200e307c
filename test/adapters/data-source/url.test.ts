import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createRemoteDataSource } from '../../../adapters/data-source/remote.ts';
import { createOutboundHosts } from '../../../adapters/outbound-hosts/checked.ts';
import { isPublicAddress } from '../../../adapters/outbound-hosts/public-address.ts';
import type { PerennialError } from '../../../contracts/errors.ts';
import { fetchingTo } from '../../support/fetching-to.ts';
import { until } from '../../support/until.ts';

let folder: string;
let servers: Server[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perennial-url-'));
  servers = [];
});
afterEach(async () => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  await rm(folder, { recursive: true, force: true });
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function source(options: { allowPrivate?: boolean; bytesAtMost?: number } = {}) {
  const hosts = createOutboundHosts({ allowPrivate: options.allowPrivate ?? true });
  return createRemoteDataSource({ hosts, firstPauseMs: 1, idleMs: 2_000, bytesAtMost: options.bytesAtMost });
}

async function refusal(promise: Promise<unknown>): Promise<PerennialError> {
  return promise.then(
    () => {
      throw new Error('it was fetched');
    },
    (caught: unknown) => caught as PerennialError,
  );
}

test('a file is fetched with its name, size and etag, and its query, which may hold a signature, is not recorded', async () => {
  const at = await serve((_request, response) => response.writeHead(200, { etag: '"v1"' }).end('a,b\n1,2\n'));
  const [file] = await source().fetch({ url: `${at}/data/hours.csv?signature=secret` }, fetchingTo(folder));
  expect(file).toMatchObject({
    name: 'hours.csv',
    format: 'csv',
    bytes: 8,
    etag: '"v1"',
    from: `${at}/data/hours.csv`,
  });
  expect(await readFile(file!.path, 'utf8')).toBe('a,b\n1,2\n');
});

test('a download that breaks off repeatedly is resumed each time and completes', async () => {
  const bytes = randomBytes(400_000);
  const ranges: (string | undefined)[] = [];
  const at = await serve((request, response) => {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    ranges.push(request.headers.range);
    const rest = bytes.subarray(from);
    response.writeHead(from === 0 ? 200 : 206, {
      etag: '"one"',
      'content-length': rest.length,
      ...(from === 0 ? {} : { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }),
    });
    if (rest.length <= 100_000) response.end(rest);
    else response.write(rest.subarray(0, 100_000), () => void onceKept(from + 1).then(() => response.destroy()));
  });
  const [file] = await source().fetch({ url: `${at}/rows.parquet` }, fetchingTo(folder));
  expect(
    createHash('sha256')
      .update(await readFile(file!.path))
      .digest('hex'),
  ).toBe(createHash('sha256').update(bytes).digest('hex'));
  expect(ranges.length).toBeGreaterThan(2);
  expect(ranges.slice(1).every((range) => range !== undefined)).toBe(true);
});

test('a file that changes during the download is never a mixture of two states', async () => {
  const states = ['"old"', '"new"'];
  const asked: (string | string[] | undefined)[] = [];
  const at = await serve((request, response) => {
    const etag = states.shift() ?? '"new"';
    const body = Buffer.alloc(200_000, etag === '"old"' ? 'o' : 'n');
    asked.push(request.headers['if-range']);
    // Follows If-Range: a file that has changed is sent from its beginning.
    response.writeHead(200, { etag, 'content-length': body.length });
    if (etag === '"new"') response.end(body);
    else response.write(body.subarray(0, 100_000), () => void onceKept(1).then(() => response.destroy()));
  });
  const [file] = await source().fetch({ url: `${at}/rows.csv` }, fetchingTo(folder));
  expect(file!.etag).toBe('"new"');
  expect(asked).toEqual([undefined, '"old"']);
  expect((await readFile(file!.path, 'utf8')).replaceAll('n', '')).toBe('');
});

test('a busy server is tried again, and a refusal is final', async () => {
  let asked = 0;
  const at = await serve((request, response) => {
    asked += 1;
    response.writeHead(request.url === '/no.csv' ? 403 : asked < 3 ? 503 : 200).end('a\n1\n');
  });
  await source().fetch({ url: `${at}/busy.csv` }, fetchingTo(folder));
  expect(asked).toBe(3);
  const error = await refusal(source().fetch({ url: `${at}/no.csv` }, fetchingTo(folder)));
  expect(error).toMatchObject({ code: 'source-unavailable', fields: { status: 403 } });
  expect(asked).toBe(4);
});

test('a server that never answers successfully ends as a named error after five tries', async () => {
  let asked = 0;
  const at = await serve((_request, response) => {
    asked += 1;
    response.writeHead(500).end();
  });
  const error = await refusal(source().fetch({ url: `${at}/rows.csv` }, fetchingTo(folder)));
  expect(error.code).toBe('source-unavailable');
  expect(asked).toBe(5);
});

test('an endless body is cut off at the limit', async () => {
  const at = await serve((_request, response) => {
    const timer = setInterval(() => response.write(Buffer.alloc(65_536)), 1);
    response.on('close', () => clearInterval(timer));
  });
  const error = await refusal(source({ bytesAtMost: 1_000_000 }).fetch({ url: `${at}/rows.csv` }, fetchingTo(folder)));
  expect(error.code).toBe('too-large');
});

test('five redirects are followed, and a sixth is not', async () => {
  const at = await serve((request, response) => {
    const left = Number(request.url?.slice(1));
    if (left === 0) response.end('a\n1\n');
    else response.writeHead(302, { location: `/${left - 1}` }).end();
  });
  await source().fetch({ url: `${at}/5`, format: 'csv' }, fetchingTo(folder));
  const error = await refusal(source().fetch({ url: `${at}/6`, format: 'csv' }, fetchingTo(folder)));
  expect(error).toMatchObject({ code: 'source-refused', message: expect.stringContaining('more than 5 times') });
});

test.each(['file:///etc/passwd', 'ftp://127.0.0.1/', 'http://user:pw@127.0.0.1/'])(
  'a redirect to %s is refused',
  async (location) => {
    const at = await serve((_request, response) => response.writeHead(302, { location }).end());
    const error = await refusal(source().fetch({ url: `${at}/rows.csv` }, fetchingTo(folder)));
    expect(error.code).toBe('source-refused');
  },
);

test.each([
  'http://127.0.0.1:1/a.csv',
  'http://0x7f.1:1/a.csv',
  'http://2130706433:1/a.csv',
  'http://[::1]:1/a.csv',
  'http://[::ffff:127.0.0.1]:1/a.csv',
  'http://localhost:1/a.csv',
])('%s is private, and is refused unless it is allowed', async (url) => {
  const error = await refusal(source({ allowPrivate: false }).fetch({ url }, fetchingTo(folder)));
  expect(error).toMatchObject({ code: 'source-refused', message: expect.stringContaining('not public') });
});

test('a redirect to a private address is refused even if the first address was public', async () => {
  let inside = 0;
  const secret = await serve((_request, response) => {
    inside += 1;
    response.end('secret\n1\n');
  });
  const outside = await serve((_request, response) => response.writeHead(302, { location: `${secret}/a.csv` }).end());
  const hosts = createOutboundHosts({ allowPrivate: false });
  const anywhere = createOutboundHosts({ allowPrivate: true, lookupAll: async () => [{ address: '127.0.0.1' }] });
  const fetching = createRemoteDataSource({
    // The name stands in for a public host, which no test machine has, and leads to the first server.
    hosts: { ...hosts, route: (url) => (url.hostname === 'outside.example' ? anywhere : hosts).route(url) },
    firstPauseMs: 1,
  });
  const { port } = new URL(outside);
  const error = await refusal(fetching.fetch({ url: `http://outside.example:${port}/a.csv` }, fetchingTo(folder)));
  expect(error.code).toBe('source-refused');
  expect(inside).toBe(0);
});

test('a name is resolved once per request, and the connection uses the checked address', async () => {
  let looks = 0;
  let asked = 0;
  const at = await serve((_request, response) => {
    asked += 1;
    response.end('a\n1\n');
  });
  // The second lookup would be the attack: it returns a different address after the first one has passed the check.
  const answers = ['127.0.0.1', '127.0.0.2'];
  const hosts = createOutboundHosts({
    allowPrivate: true,
    lookupAll: () => Promise.resolve([{ address: answers[looks++] ?? '127.0.0.2' }]),
  });
  const { port } = new URL(at);
  const fetching = createRemoteDataSource({ hosts, firstPauseMs: 1 });
  await fetching.fetch({ url: `http://rebinding.example:${port}/rows.csv` }, fetchingTo(folder));
  expect({ looks, asked }).toEqual({ looks: 1, asked: 1 });
});

test('a name with one private address among public ones is refused', async () => {
  const hosts = createOutboundHosts({
    allowPrivate: false,
    lookupAll: () => Promise.resolve([{ address: '93.184.216.34' }, { address: '10.0.0.1' }]),
  });
  expect((await refusal(hosts.resolve('both.example'))).code).toBe('source-refused');
});

test.each(['93.184.216.34', '8.8.8.8', '2606:4700:4700::1111'])('%s is public', (address) => {
  expect(isPublicAddress(address)).toBe(true);
});

test.each([
  '0.0.0.0',
  '10.1.2.3',
  '100.64.0.1',
  '127.255.255.255',
  '169.254.169.254',
  '172.31.0.1',
  '192.168.1.1',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::ffff:10.0.0.1',
  '64:ff9b::a00:1',
  '2002:a00:1::',
  'fc00::1',
  'fe80::1',
  'ff02::1',
  'fec0::1',
  '2001:db8::1',
  'fe80::1%eth0',
  // IPv6 addresses that embed an IPv4 address, in each of the existing forms.
  '::127.0.0.1',
  '::7f00:1',
  '::FFFF:7F00:1',
  '64:ff9b:1::a00:1',
  // Spellings that some programs read as 127.0.0.1 or 10.0.0.1 and others do not.
  '0x7f.1',
  '2130706433',
  '012.0.0.1',
  '127.0.0.1 ',
  'localhost',
])('%s is not public', (address) => {
  expect(isPublicAddress(address)).toBe(false);
});

/**
 * Waits until the reader has written this many bytes. A transfer that breaks off before its first byte arrives would
 * start again from the beginning.
 */
function onceKept(bytes: number): Promise<true> {
  return until('the reader has kept what it was sent', async () => {
    const sizes = (await readdir(folder)).map(async (name) => (await stat(join(folder, name))).size);
    return (await Promise.all(sizes)).some((size) => size >= bytes);
  });
}
