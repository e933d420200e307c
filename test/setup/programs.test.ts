import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Machine } from './run-setup.ts';

const saysTemporal = 'echo "temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)"';

let machine: Machine;
let archive: Buffer;
const servers: Server[] = [];

beforeEach(async () => {
  machine = await Machine.make();
  archive = await archiveOf(`#!/bin/sh\n${saysTemporal}\n`);
});
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
  await machine.remove();
});

const getTemporal = (env: Record<string, string> = {}) =>
  machine.call('get-program.mjs', 'setup.getTemporal(process.env, () => {})', env);

describe('the Temporal CLI', () => {
  it('is downloaded where it is missing, kept in the cache, and not fetched again', async () => {
    const asked: string[] = [];
    const url = await serve((request, response) => {
      asked.push(request.url ?? '');
      response.end(archive);
    });
    expect(await getTemporal({ PERENNIAL_TEMPORAL_CLI_URL: url })).toEqual({ done: 'downloaded' });
    expect(asked).toEqual([expect.stringMatching(/^\/temporal_cli_1\.5\.1_[a-z]+_[a-z0-9]+\.tar\.gz$/)]);
    expect(await readFile(join(machine.cache, 'perennial/bin/temporal'), 'utf8')).toContain(saysTemporal);
    expect(await getTemporal({ PERENNIAL_TEMPORAL_CLI_URL: url })).toEqual({ done: false });
    expect(asked).toHaveLength(1);
    expect(readdirSync(join(machine.cache, 'perennial/bin'))).toEqual(['temporal']);
  });

  it('on the PATH is taken, and a namesake there is passed over', async () => {
    await machine.script('temporal', 'echo "temporal, a calendar"');
    const url = await serve((_request, response) => response.end(archive));
    expect(await getTemporal({ PERENNIAL_TEMPORAL_CLI_URL: url })).toEqual({ done: 'downloaded' });
    await machine.script('temporal', saysTemporal);
    expect(await getTemporal({ PERENNIAL_TEMPORAL_CLI_URL: await deadUrl() })).toEqual({ done: false });
  });

  it('is given up within five seconds where no answer comes, and the sentence says what to install', async () => {
    const url = await serve(() => {});
    await expectGivenUp(url, 'no answer within 4 s');
  });

  it('is given up as soon where an answer stops in its middle', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': archive.length });
      response.write(archive.subarray(0, 20));
    });
    await expectGivenUp(url, 'no answer within 4 s');
  });

  it('is given up at once where nobody listens or there is no such release', async () => {
    await expectGivenUp(await deadUrl(), 'ECONNREFUSED');
    await expectGivenUp(await serve((_request, response) => response.writeHead(404).end()), 'HTTP 404');
  });

  it('of other bytes than the release has is refused', async () => {
    const url = await serve((_request, response) => response.end(archive));
    const target = join(machine.folder, 'kept');
    const answer = await machine.call(
      'download-program.mjs',
      `setup.downloadProgram({ url: '${url}', sha256: '${'0'.repeat(64)}', file: 'temporal', target: '${target}', progress: () => {} })`,
    );
    expect(JSON.stringify(answer)).toContain('has the SHA-256');
    expect(existsSync(target)).toBe(false);
  });

  it('is built from source where it cannot be downloaded, and a build that fails leaves nothing', async () => {
    await machine.script(
      'go',
      '[ "$1" = version ] && exit 0\necho half > "$GOBIN/temporal"\necho "no space left" >&2\nexit 1',
    );
    const env = { PERENNIAL_TEMPORAL_CLI_URL: await deadUrl() };
    expect(String((await getTemporal(env)).problem)).toContain('no space left');
    expect(existsSync(join(machine.cache, 'perennial/bin/temporal'))).toBe(false);
    await machine.script(
      'go',
      `[ "$1" = version ] && exit 0\nprintf '#!/bin/sh\\n%s\\n' '${saysTemporal}' > "$GOBIN/temporal"\nchmod 755 "$GOBIN/temporal"`,
    );
    expect(await getTemporal(env)).toEqual({ done: 'built from source' });
    expect(await getTemporal(env)).toEqual({ done: false });
  });

  it('that was named and does not work is said to be wrong, and nothing else is tried', async () => {
    const named = await machine.script('mine', 'exit 1');
    expect(String((await getTemporal({ PERENNIAL_TEMPORAL_CLI: named })).problem)).toContain(
      `PERENNIAL_TEMPORAL_CLI names ${named}`,
    );
  });
});

async function expectGivenUp(url: string, reason: string): Promise<void> {
  const begun = performance.now();
  const { problem } = await getTemporal({ PERENNIAL_TEMPORAL_CLI_URL: url });
  expect(performance.now() - begun).toBeLessThan(5_000);
  expect(String(problem)).toContain(reason);
  expect(String(problem)).toMatch(/install it so that `temporal` is on the PATH, or install Go/);
  expect(existsSync(join(machine.cache, 'perennial/bin/temporal'))).toBe(false);
}

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://127.0.0.1:${address.port}`;
}

/** Where nobody listens any more. */
async function deadUrl(): Promise<string> {
  const url = await serve(() => {});
  const server = servers.pop()!;
  server.close();
  await once(server, 'close');
  return url;
}

/** A release's archive, with a program in it that a shell runs. */
async function archiveOf(script: string): Promise<Buffer> {
  const folder = join(machine.folder, 'release');
  await mkdir(folder);
  await writeFile(join(folder, 'temporal'), script);
  await writeFile(join(folder, 'LICENSE'), '');
  await chmod(join(folder, 'temporal'), 0o755);
  return execFileSync('tar', ['-czf', '-', '-C', folder, 'LICENSE', 'temporal']);
}
