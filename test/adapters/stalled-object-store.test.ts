import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { createS3ObjectStore, partBytesFor } from '../../adapters/object-store/s3.ts';
import { sha256OfBytes } from '../../contracts/digest.ts';

const idleMs = 300;
const uploadIdleMs = 200;
const bytes = Buffer.alloc(4 * 2 ** 20, 'bytes');
const sha256 = sha256OfBytes(bytes);
const stalled = {
  code: 'store-unavailable',
  retryable: true,
  message: expect.stringContaining(`no data arrived for ${idleMs / 1000} s`),
};

let server: Server | undefined;
afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((closed) => (server === undefined ? closed(undefined) : server.close(closed)));
  server = undefined;
});

/**
 * Creates an S3 store on a server that has the bucket, answers HEAD requests for objects with 404, and passes all other
 * requests to `answer`.
 */
async function storeThat(answer: (url: URL, response: ServerResponse) => void | Promise<void>) {
  const listening = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://store');
    if (request.method === 'HEAD') response.writeHead(url.pathname.includes('/blobs/') ? 404 : 200).end();
    else void answer(url, response);
  });
  server = listening;
  await new Promise<void>((ready) => listening.listen(0, '127.0.0.1', ready));
  const address = listening.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const keys = { accessKey: 'key', secretKey: 'secret-of-the-tests', region: 'us-east-1' };
  return createS3ObjectStore({ endpoint: `http://127.0.0.1:${port}`, bucket: 'bucket', ...keys, idleMs, uploadIdleMs });
}

test('a read fails with a retryable error if the server stalls halfway', async () => {
  const store = await storeThat((_url, response) => {
    response.writeHead(200, { 'content-length': bytes.length });
    response.write(bytes.subarray(0, 1_000));
  });
  await expect(store.read(sha256)).rejects.toMatchObject(stalled);
});

test('a listing fails with a retryable error if the server stalls halfway', async () => {
  const store = await storeThat((_url, response) => {
    response.writeHead(200, { 'content-type': 'application/xml' });
    response.write('<?xml version="1.0"?><ListBucketResult>');
  });
  await expect(store.list(null, 10)).rejects.toMatchObject(stalled);
  await expect(store.listNamed('ledger/', null, 10)).rejects.toMatchObject(stalled);
});

test('a slow read completes as long as bytes keep arriving', async () => {
  const store = await storeThat(async (_url, response) => {
    response.writeHead(200, { 'content-length': bytes.length });
    for (let at = 0; at < bytes.length; at += 2 ** 20) {
      response.write(bytes.subarray(at, at + 2 ** 20));
      await pause(idleMs / 2);
    }
    response.end();
  });
  expect(sha256OfBytes(await store.read(sha256))).toBe(sha256);
});

test('a slow reader does not make a read time out', async () => {
  const store = await storeThat((_url, response) => {
    response.writeHead(200, { 'content-length': bytes.length });
    response.end(bytes);
  });
  let read = 0;
  for await (const chunk of (await store.get(sha256)) as AsyncIterable<Buffer>) {
    if (read === 0) await pause(3 * idleMs);
    read += chunk.length;
  }
  expect(read).toBe(bytes.length);
});

test('an upload fails with a retryable error if the server stops reading halfway', async () => {
  const store = await storeThat(() => undefined);
  const upload = { ...stalled, message: expect.stringContaining('no data arrived for 0.2 s') };
  await expect(store.putBytes(bytes)).rejects.toMatchObject(upload);
  await expect(store.put(sha256, Readable.from([bytes]))).rejects.toMatchObject(upload);
});

test('the parts of an upload are larger if the usual size would need too many parts', () => {
  expect(partBytesFor(1)).toBe(8 * 2 ** 20);
  expect(partBytesFor(8 * 2 ** 20 * 10_000)).toBe(8 * 2 ** 20);
  const large = 2 ** 40;
  expect(partBytesFor(large) * 10_000).toBeGreaterThanOrEqual(large);
  expect(partBytesFor(large) % 2 ** 20).toBe(0);
});
