import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { bikeInput } from '../support/api.ts';

const cli = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));

let folder: string;
let temporary: string;
let api: Server;
let running: ChildProcess;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perennial-upload-'));
  temporary = join(folder, 'tmp');
  await mkdir(join(folder, 'train'));
  await mkdir(temporary);
  await writeFile(join(folder, 'train', 'train.py'), 'x'.repeat(2 ** 20));
  await writeFile(join(folder, 'train', 'requirements.lock'), '');
  await writeFile(join(folder, 'perennial.yaml'), stringify(bikeInput));
});
afterEach(async () => {
  running.kill('SIGKILL');
  api.closeAllConnections();
  api.close();
  await rm(folder, { recursive: true, force: true });
});

/** Runs `perennial code snapshot` against an API that answers with `answer`. */
async function snapshot(answer: RequestListener): Promise<{ exit: Promise<unknown[]>; said: Promise<string> }> {
  api = createServer(answer).listen(0, '127.0.0.1');
  await once(api, 'listening');
  const address = api.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  const started = spawn(process.execPath, [cli, '--url', url, '--key', 'key', 'code', 'snapshot'], {
    cwd: folder,
    env: { ...process.env, TMPDIR: temporary, PERENNIAL_HOME: join(folder, 'home') },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  running = started;
  return { exit: once(started, 'exit'), said: text(started.stderr) };
}

const refuse: RequestListener = (_request, response) => {
  response.writeHead(413, { 'content-type': 'application/problem+json' });
  response.end(JSON.stringify({ code: 'too-large', detail: 'the limit was reached', status: 413 }));
};

test('the command line leaves no file behind when it is killed in the middle of an upload', async () => {
  const asked = Promise.withResolvers<string | undefined>();
  // Accepts the request, but neither reads nor answers it.
  const { exit } = await snapshot((request) => asked.resolve(`${request.method} ${request.url}`));
  expect(await asked.promise).toMatch(/^PUT \/v1\/blobs\//);
  running.kill('SIGKILL');
  await exit;
  expect(await readdir(temporary)).toEqual([]);
});

test('the uploaded archive matches the digest in its address, and leaves no file behind', async () => {
  const arrived = Promise.withResolvers<{ readonly named: string; readonly found: string }>();
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const found = createHash('sha256')
      .update(await buffer(request))
      .digest('hex');
    arrived.resolve({ named: request.url?.split('/').at(-1) ?? '', found });
    response.end('{}');
  };
  const { exit, said } = await snapshot((request, response) => {
    if (request.method === 'PUT') take(request, response).catch(arrived.reject);
    else refuse(request, response);
  });
  const { named, found } = await arrived.promise;
  expect(found).toBe(named);
  expect(await exit).toEqual([1, null]);
  expect(await said).toContain('the limit was reached');
  expect(await readdir(temporary)).toEqual([]);
});

test('an upload that is refused before its end is reported as refused', async () => {
  const { exit, said } = await snapshot(refuse);
  expect(await exit).toEqual([1, null]);
  expect((await said).trim()).toBe('perennial: the limit was reached');
  expect(await readdir(temporary)).toEqual([]);
});
