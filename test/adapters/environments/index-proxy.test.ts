import { once } from 'node:events';
import { mkdtemp, readdir, rm, utimes } from 'node:fs/promises';
import type { Server } from 'node:http';
import { createServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { noProxies } from '../../../contracts/settings/proxies.ts';
import type { IndexPages, IndexProxy } from '../../../adapters/environments/indexes/index-proxy.ts';
import { startIndexProxy, withoutProxyAddresses } from '../../../adapters/environments/indexes/index-proxy.ts';
import { PackageFiles } from '../../../adapters/environments/indexes/package-files.ts';
import type { Reach } from '../../../adapters/environments/indexes/package-sources.ts';
import { pipPages } from '../../../adapters/environments/indexes/pip-pages.ts';
import { Upstream } from '../../../adapters/environments/indexes/upstream.ts';
import { sha256OfBytes } from '../../../contracts/digest.ts';
import type { TestIndex } from '../../support/stand-in-package-index.ts';
import { startPackageIndex, wheel } from '../../support/stand-in-package-index.ts';
import { selfSigned } from '../../support/self-signed.ts';

const good = wheel('greeting', '1.0', { 'greeting.py': '' });
const reach: Reach = {
  authorities: [],
  clientCertificate: undefined,
  trustedHosts: [],
  proxies: noProxies,
  idleMs: 10_000,
};

let folder: string;
const closing: (() => unknown)[] = [];
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'perennial-index-'))));
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function started(...args: Parameters<typeof startPackageIndex>): Promise<TestIndex> {
  const index = await startPackageIndex(...args);
  closing.push(() => index.close());
  return index;
}

async function proxyOf(
  index: string,
  changes: Partial<Reach> = {},
  files = new PackageFiles(join(folder, 'packages'), join(folder, 'work')),
): Promise<{ proxy: IndexProxy; problems: string[] }> {
  const upstream = new Upstream({ ...reach, ...changes });
  const problems: string[] = [];
  const pages: IndexPages = pipPages({ indexes: [index], findLinks: [], reach }, upstream);
  const proxy = await startIndexProxy([pages], files, (problem) => problems.push(problem));
  closing.push(
    () => proxy.close(),
    () => upstream.close(),
  );
  return { proxy, problems };
}

async function linkOf(proxy: IndexProxy, name = 'greeting'): Promise<string> {
  const page = await (await fetch(`${proxy.address}simple/${name}/`)).text();
  return /href="([^"#]*)/.exec(page)?.[1] ?? '';
}

test('a client without the secret gets nothing, and one with it gets only pages and their files', async () => {
  const { proxy } = await proxyOf((await started([good])).url);
  const { origin } = new URL(proxy.address);
  const status = async (url: string, method = 'GET') => (await fetch(url, { method })).status;
  expect(await status(`${origin}/`)).toBe(403);
  expect(await status(`${origin}/simple/greeting/`)).toBe(403);
  expect(await status(`${origin}/${'A'.repeat(32)}/simple/greeting/`)).toBe(403);
  expect(await status(`${proxy.address}simple/greeting/`, 'POST')).toBe(403);
  expect(await status(`${proxy.address}simple/`)).toBe(404);
  expect(await status(`${proxy.address}simple/Greeting/`)).toBe(404);
  expect(await status(`${proxy.address}simple/nothing/`)).toBe(404);
  expect(await status(`${proxy.address}npm/greeting`)).toBe(403);
  expect(await status(`${proxy.address}files/1/greeting-1.0-py3-none-any.whl`)).toBe(403);
  const link = await linkOf(proxy);
  expect(await status(link)).toBe(200);
  expect(await status(link, 'HEAD')).toBe(200);
  expect(await status(link.replace('greeting-1.0', 'greeting-2.0'))).toBe(403);
  expect(await status(`${link}.metadata`)).toBe(403);
});

test('a file with the right hash is requested once; one with another hash is passed on and not cached', async () => {
  const files = new PackageFiles(join(folder, 'kept'), join(folder, 'work'));
  const index = await started([good]);
  const { proxy } = await proxyOf(index.url, {}, files);
  for (const _ of [1, 2]) {
    const bytes = Buffer.from(await (await fetch(await linkOf(proxy))).arrayBuffer());
    expect(sha256OfBytes(bytes)).toBe(sha256OfBytes(good.bytes));
  }
  expect(index.requests.filter((path) => path.startsWith('/files/'))).toHaveLength(1);
  const hash = { algorithm: 'sha256', hex: '0'.repeat(64) } as const;
  for await (const chunk of files.keeping(bufferOf('other'), hash)) expect(String(chunk)).toBe('other');
  expect(await files.find(hash)).toBeNull();
  expect(await readdir(join(folder, 'kept'))).toEqual([`sha256-${sha256OfBytes(good.bytes)}`]);
});

async function* bufferOf(text: string): AsyncGenerator<Buffer> {
  yield Buffer.from(text);
}

test('files that were not used for long are removed', async () => {
  const at = join(folder, 'pruned');
  const files = new PackageFiles(at, join(folder, 'work'));
  const [old, used] = ['old', 'used'].map((text) => ({ algorithm: 'sha256', hex: sha256OfBytes(text) }) as const);
  for (const [hash, text] of [
    [old!, 'old'],
    [used!, 'used'],
  ] as const)
    for await (const chunk of files.keeping(bufferOf(text), hash)) expect(String(chunk)).toBe(text);
  const longAgo = new Date(Date.now() - 40 * 24 * 3_600_000);
  for (const name of await readdir(at)) await utimes(join(at, name), longAgo, longAgo);
  const found = await files.find(used!);
  found?.body.destroy();
  await files.prune();
  expect(await readdir(at)).toEqual([`sha256-${used!.hex}`]);
});

test('only the index gets its password, and a redirect to a host without https is not followed', async () => {
  const { key, certificate } = await selfSigned(folder);
  const seen: (string | undefined)[] = [];
  const inside = await started([good]);
  const other: Server = createHttpsServer({ key, cert: certificate }, (request, response) => {
    seen.push(request.headers.authorization);
    if (request.url?.includes('redirect') === true)
      response.writeHead(302, { location: `${new URL(inside.url).origin}/files/${good.filename}` }).end();
    else response.end(good.bytes);
  }).listen(0, '127.0.0.1');
  await once(other, 'listening');
  closing.push(() => other.close());
  const address = other.address();
  const host = `https://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  let path = 'files';
  const index = await started([good], {
    credentials: 'worker:hunter2',
    fileAddress: (filename) => `${host}/${path}/${filename}`,
  });
  const url = index.url.replace('//', '//worker:hunter2@');
  // A new cache, because cached files would be served without connecting to any host.
  const fresh = new PackageFiles(join(folder, 'fresh'), join(folder, 'work'));
  const { proxy } = await proxyOf(url, { authorities: [String(certificate)] }, fresh);
  const missing = await proxyOf(url, {}, fresh);
  expect((await fetch(await linkOf(missing.proxy))).status).toBe(503);
  expect(missing.problems.join()).toMatch(/did not answer: self-signed certificate/);
  path = 'redirect';
  const redirected = await fetch(await linkOf(proxy));
  expect(redirected.status).toBe(403);
  expect(await redirected.text()).toMatch(/may only name files over https/);
  path = 'files';
  expect((await fetch(await linkOf(proxy))).status).toBe(200);
  expect(seen).toEqual([undefined, undefined]);
  expect(inside.requests).toEqual([]);
});

test('a silent index ends with an error that names its address', async () => {
  const hanging = createServer(() => undefined).listen(0, '127.0.0.1');
  await once(hanging, 'listening');
  closing.push(
    () => hanging.closeAllConnections(),
    () => hanging.close(),
  );
  const address = hanging.address();
  const at = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/simple`;
  const { proxy, problems } = await proxyOf(at, { idleMs: 50 });
  expect((await fetch(`${proxy.address}simple/greeting/`)).status).toBe(503);
  expect(problems).toEqual([
    `the package index cannot be read: ${at}/greeting did not answer: no data arrived for 0.05 s`,
  ]);
});

test("pip's output names files and no address of the proxy", () => {
  const address = `http://127.0.0.1:4321/${'aB3_-xyz'.repeat(4)}/`;
  expect(withoutProxyAddresses(`Downloading ${address}files/12/six-1.0-py3-none-any.whl (11 kB)`)).toBe(
    'Downloading six-1.0-py3-none-any.whl (11 kB)',
  );
  expect(withoutProxyAddresses(`Looking in indexes: ${address}simple/`)).toBe('Looking in indexes: the package index ');
});
