import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readStored } from '../../api/answers/send-rows.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import type { TestApi } from '../support/api.ts';
import { applyBike, startTestApi } from '../support/api.ts';
import { seedCode, seedDataset, seedVersion } from '../support/seed-candidate.ts';

// Uses real HTTP, because these tests are about how bytes are transferred.
let api: TestApi;
let address: string;
let scope: Scope;
beforeAll(async () => {
  api = await startTestApi();
  address = await api.api.listen({ host: '127.0.0.1', port: 0 });
  scope = await applyBike(api);
});
afterAll(() => api.stop());

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function put(sha256: string, body: RequestInit['body'], headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${address}/v1/blobs/${sha256}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${api.keys.operator}`, ...headers },
    body,
    ...(body instanceof ReadableStream ? { duplex: 'half' as const } : {}),
  });
}

test.each(['application/octet-stream', 'text/csv', 'application/json', 'application/x-whatever', ''])(
  'bytes are stored unchanged, whatever content type they have (%s)',
  async (type) => {
    const bytes = Buffer.concat([Buffer.from('{"not json'), randomBytes(100)]);
    const sha256 = digestOf(bytes);
    const answer = await put(sha256, new Blob([bytes]), type === '' ? {} : { 'content-type': type });
    expect({ status: answer.status, body: await answer.json() }).toEqual({
      status: 200,
      body: { sha256, bytes: bytes.length, existed: false },
    });
    expect(await api.objectStore.read(sha256)).toEqual(bytes);
    expect(await api.repositories.blobs.has('default', sha256)).toBe(true);
    expect(await (await put(sha256, new Blob([bytes]))).json()).toMatchObject({ existed: true });
  },
);

test('an empty blob is accepted', async () => {
  expect((await put(digestOf(new Uint8Array()), null)).status).toBe(200);
});

test('thirty megabytes are streamed', async () => {
  const chunk = randomBytes(1024 * 1024);
  const hash = createHash('sha256');
  for (let n = 0; n < 30; n += 1) hash.update(chunk);
  let sent = 0;
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      sent += 1;
      controller.enqueue(chunk);
      if (sent === 30) controller.close();
    },
  });
  expect(await (await put(hash.digest('hex'), stream)).json()).toMatchObject({ bytes: 30 * 1024 * 1024 });
});

test('bytes that do not match their digest are refused and leave nothing', async () => {
  const sha256 = 'b'.repeat(64);
  const answer = await put(sha256, 'something else');
  expect({ status: answer.status, body: await answer.json() }).toMatchObject({
    status: 422,
    body: { code: 'digest-mismatch' },
  });
  expect(await api.objectStore.size(sha256)).toBeUndefined();
  expect(await api.repositories.blobs.has('default', sha256)).toBe(false);
});

test('a broken upload leaves nothing', async () => {
  const bytes = randomBytes(200_000);
  const sha256 = digestOf(bytes);
  await new Promise<void>((resolve) => {
    const upload = request(`${address}/v1/blobs/${sha256}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${api.keys.operator}`, 'content-length': bytes.length },
    });
    upload.on('error', () => resolve());
    upload.write(bytes.subarray(0, 100_000), () => upload.destroy());
    upload.on('close', () => resolve());
  });
  expect((await put(digestOf(Buffer.from('after')), 'after')).status).toBe(200);
  expect(await api.objectStore.size(sha256)).toBeUndefined();
  expect(await api.repositories.blobs.has('default', sha256)).toBe(false);
});

test('more than five gibibytes are refused before they are read', async () => {
  const status = await new Promise<number>((resolve, reject) => {
    const upload = request(
      `${address}/v1/blobs/${'c'.repeat(64)}`,
      { method: 'PUT', headers: { authorization: `Bearer ${api.keys.operator}`, 'content-length': 6 * 1024 ** 3 } },
      (answer) => {
        resolve(answer.statusCode ?? 0);
        answer.resume();
        upload.destroy();
      },
    );
    upload.on('error', reject);
    upload.flushHeaders();
  });
  expect(status).toBe(413);
});

test('rows are downloaded as CSV and Parquet, and the download leaves no file', async () => {
  const csv = join(api.folder, 'rows.csv');
  await writeFile(csv, 'id,temp,cnt\n1,0.5,10\n2,0.25,=20\n');
  const outputFolder = join(api.folder, 'prepared');
  await mkdir(outputFolder);
  const prepared = await api.tableEngine.prepareBatch({
    files: [{ name: 'rows.csv', path: csv, format: 'csv' }],
    pinned: null,
    known: [],
    key: 'id',
    timezone: 'UTC',
    required: [],
    expectations: [],
    outputFolder,
  });
  for (const part of prepared.parts) await api.objectStore.putFile(part.path);
  const version = await seedDataset(
    api.repositories,
    scope,
    api.principals.operator,
    prepared.parts.map(({ path: _path, ...part }) => part),
  );
  const rows = await fetch(`${address}/v1/models/bike/datasets/${version.number}/rows?format=csv`, {
    headers: { authorization: `Bearer ${api.keys.viewer}` },
  });
  expect(rows.headers.get('content-type')).toContain('text/csv');
  expect((await rows.text()).split('\n').slice(0, 2)).toEqual(['id,temp,cnt', '1,0.5,10']);
  const parquet = await fetch(`${address}/v1/models/bike/datasets/${version.number}/rows`, {
    headers: { authorization: `Bearer ${api.keys.viewer}` },
  });
  expect(
    Buffer.from(await parquet.arrayBuffer())
      .subarray(0, 4)
      .toString(),
  ).toBe('PAR1');
  await expect
    .poll(async () => (await readdir(api.folder)).filter((name) => name.startsWith('rows-')), { timeout: 5_000 })
    .toEqual([]);
});

test('an archive and a model are downloaded exactly as they were stored', async () => {
  const archive = await api.objectStore.putBytes(Buffer.from('a canonical tar'));
  const artifact = await api.objectStore.putBytes(Buffer.from('an onnx model'));
  const code = await seedCode(api.repositories, scope, api.principals.operator, archive.sha256);
  const { version } = await seedVersion(api.repositories, scope, api.principals.operator, {
    seed: 7,
    artifact: artifact.sha256,
    archive: archive.sha256,
  });
  const headers = { authorization: `Bearer ${api.keys.viewer}` };
  expect(await (await fetch(`${address}/v1/models/bike/code/${code.number}/archive`, { headers })).text()).toBe(
    'a canonical tar',
  );
  const model = await fetch(`${address}/v1/models/bike/versions/${version.number}/artifact`, { headers });
  expect({ text: await model.text(), etag: model.headers.get('etag') }).toEqual({
    text: 'an onnx model',
    etag: `"${artifact.sha256}"`,
  });
});

test('a missing artifact is an error that says so, and nobody receives all bytes of an altered one', async () => {
  const headers = { authorization: `Bearer ${api.keys.viewer}` };
  const { version } = await seedVersion(api.repositories, scope, api.principals.operator, { seed: 8 });
  const lacking = await fetch(`${address}/v1/models/bike/versions/${version.number}/artifact`, { headers });
  expect({ status: lacking.status, body: await lacking.json() }).toMatchObject({
    status: 500,
    body: { code: 'blob-missing' },
  });

  // Corruption of a small artifact is found before the response begins; of a large one, only after most of it was sent.
  const small = await fetch(await altered(9, Buffer.from('true bytes'), Buffer.from('false byte')), { headers });
  expect({ status: small.status, body: await small.json() }).toMatchObject({
    status: 500,
    body: { code: 'blob-corrupt' },
  });
  const large = randomBytes(1_000_000);
  const broken = fetch(await altered(10, large, Buffer.concat([large.subarray(1), large.subarray(0, 1)])), { headers });
  await expect(broken.then((answer) => answer.arrayBuffer())).rejects.toThrow();
});

/** Creates a version whose stored artifact was altered, and returns its download address. */
async function altered(seed: number, bytes: Buffer, found: Buffer): Promise<string> {
  const artifact = await api.objectStore.putBytes(bytes);
  const { version } = await seedVersion(api.repositories, scope, api.principals.operator, {
    seed,
    artifact: artifact.sha256,
  });
  const objects = join(api.folder, 'objects');
  const [path] = (await readdir(objects, { recursive: true })).filter((name) => name.includes(artifact.sha256));
  await writeFile(join(objects, path ?? ''), found);
  return `${address}/v1/models/bike/versions/${version.number}/artifact`;
}

describe('with small limits', () => {
  const uploads = { bytes: 1_000, idleMs: 300 };
  let small: TestApi;
  let smallAddress: string;
  beforeAll(async () => {
    small = await startTestApi({ uploads });
    smallAddress = await small.api.listen({ host: '127.0.0.1', port: 0 });
  });
  afterAll(() => small.stop());

  /** Sends the pieces with pauses between them and returns the API's response. */
  function send(pieces: readonly Buffer[], pauseMs: number, bytes?: number) {
    const whole = createHash('sha256').update(Buffer.concat(pieces)).digest('hex');
    const answered = Promise.withResolvers<{ status: number | undefined; body: unknown; closed: Promise<unknown> }>();
    const upload = request(
      `${smallAddress}/v1/blobs/${whole}`,
      {
        method: 'PUT',
        headers: {
          authorization: `Bearer ${small.keys.operator}`,
          ...(bytes === undefined ? {} : { 'content-length': bytes }),
        },
      },
      (answer) => {
        const closed = once(answer.socket, 'close');
        void json(answer).then((body) => answered.resolve({ status: answer.statusCode, body, closed }));
      },
    );
    upload.on('error', () => undefined);
    void (async () => {
      for (const piece of pieces) {
        upload.write(piece);
        await pause(pauseMs);
      }
      if (bytes === undefined) upload.end();
    })();
    return answered.promise;
  }

  test.each([
    ['from its declared length', 1_001],
    ['from the received bytes', undefined],
  ])('a larger upload is refused with the name of the setting, %s', async (_name, bytes) => {
    const { status, body } = await send([randomBytes(500), randomBytes(501)], 0, bytes);
    expect({ status, body }).toMatchObject({
      status: 413,
      body: { code: 'too-large', detail: expect.stringContaining('raise PERENNIAL_UPLOAD_SIZE on the API') },
    });
    expect(await readdir(join(small.folder, 'objects', 'tmp')).catch(() => [])).toEqual([]);
  });

  test('an upload that sends nothing for too long ends with an error response, and leaves nothing', async () => {
    const { status, body, closed } = await send([randomBytes(100)], 0, 1_000);
    expect({ status, body }).toMatchObject({
      status: 400,
      body: { code: 'invalid-request', detail: expect.stringContaining('no bytes arrived for 0.3 s') },
    });
    await closed;
    expect(await readdir(join(small.folder, 'objects', 'tmp'))).toEqual([]);
  });

  test('a long upload is accepted while bytes keep arriving', async () => {
    const pieces = Array.from({ length: 6 }, () => randomBytes(100));
    expect(await send(pieces, uploads.idleMs / 3)).toMatchObject({ status: 200, body: { bytes: 600 } });
  });
});

test('a download that reaches a limit fails with the name of the limit, not with corrupt bytes', async () => {
  const limit = new PerennialError('limit-reached', 'raise PERENNIAL_TABLE_MEMORY');
  await expect(readStored(() => Promise.reject(limit))).rejects.toBe(limit);
});
