import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startWebProxy } from '../support/web-proxy.ts';
import { Machine } from './run-setup.ts';

const saysTemporal = 'echo "temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)"';
const saysUnsafe = 'echo "temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)"';
const kept = 'perennial/bin/temporal-1.9.1/temporal';

let machine: Machine;
let archive: Buffer;

beforeEach(async () => {
  machine = await Machine.make();
  archive = await archiveOf(`#!/bin/sh\n${saysTemporal}\n`);
});
afterEach(() => machine.remove());

const getTemporal = (env: Record<string, string> = {}) =>
  machine.call('get-program.mjs', 'setup.getTemporal(process.env, () => {})', env);

describe('the Temporal CLI', () => {
  it('is downloaded if it is missing, kept in the cache, and not downloaded again', async () => {
    const asked: string[] = [];
    const url = await machine.serve((request, response) => {
      asked.push(request.url ?? '');
      response.end(archive);
    });
    expect(await getTemporal({ PERENNIAL_TEMPORAL_CLI_URL: url })).toEqual({
      done: expect.stringContaining(url),
    });
    expect(asked).toEqual([expect.stringMatching(/^\/temporal_cli_1\.9\.1_[a-z]+_[a-z0-9]+\.tar\.gz$/)]);
    expect(await readFile(join(machine.cache, kept), 'utf8')).toContain(saysTemporal);
    expect(await getTemporal({ PERENNIAL_TEMPORAL_CLI_URL: url })).toEqual({ done: false });
    expect(asked).toHaveLength(1);
    expect(readdirSync(join(machine.cache, 'perennial/bin'))).toEqual(['temporal-1.9.1']);
  });

  it('is taken from the PATH, unless the program there only has the same name', async () => {
    const namesake = await machine.script('temporal', 'echo "temporal, a calendar"');
    const url = await machine.serve((_request, response) => response.end(archive));
    const { done } = await getTemporal({ PERENNIAL_TEMPORAL_CLI_URL: url });
    expect(done).toContain(`not used: ${namesake} is not the Temporal CLI`);
    await rm(machine.cache, { recursive: true });
    await machine.script('temporal', saysTemporal);
    expect(await getTemporal({ PERENNIAL_TEMPORAL_CLI_URL: await machine.deadUrl() })).toEqual({ done: false });
  });

  it.each([
    ['1.5.1 (Server 1.29.1, UI 2.42.1)', 'has Temporal server 1.29.1, and versions older than 1.30.3 are unsafe'],
    ['1.6.0 (Server 1.30.2, UI 2.42.1)', 'has Temporal server 1.30.2, and versions older than 1.30.3 are unsafe'],
    ['0.10.7 (server 0.31.0) (ui 2.10.3)', 'has Temporal server 0.31.0, and versions older than 1.30.3 are unsafe'],
    ['0.0.0-DEV', 'does not report its Temporal server version'],
  ])('of version %s on the PATH is skipped, with a message that says why', async (version, why) => {
    const old = await machine.script('temporal', `echo "temporal version ${version}"`);
    const url = await machine.serve((_request, response) => response.end(archive));
    const { done } = await getTemporal({ PERENNIAL_TEMPORAL_CLI_URL: url });
    expect(done).toContain(`not used: ${old} ${why}`);
    const found = await machine.call(
      'find-program.mjs',
      'setup.findWorkingProgram(setup.programs.temporal, process.env)',
    );
    expect(found).toEqual({ done: join(machine.cache, kept) });
  });

  it.each(['1.7.0 (Server 1.30.3, UI 2.45.3)', '2.0.0 (Server 2.0.0, UI 3.0.0)'])(
    'of version %s on the PATH is new enough',
    async (version) => {
      await machine.script('temporal', `echo "temporal version ${version}"`);
      expect(await getTemporal({ PERENNIAL_TEMPORAL_CLI_URL: await machine.deadUrl() })).toEqual({ done: false });
    },
  );

  it('from the cache of an older checkout is not used', async () => {
    const bin = join(machine.cache, 'perennial/bin');
    await mkdir(bin, { recursive: true });
    await writeFile(join(bin, 'temporal'), `#!/bin/sh\n${saysUnsafe}\n`, { mode: 0o755 });
    const url = await machine.serve((_request, response) => response.end(archive));
    expect((await getTemporal({ PERENNIAL_TEMPORAL_CLI_URL: url })).done).toContain(url);
    const found = await machine.call('find-program.mjs', 'setup.findProgram(setup.programs.temporal, process.env)');
    expect(found).toEqual({ done: join(machine.cache, kept) });
  });

  it('in an unsafe version from a mirror is refused', async () => {
    const unsafe = await archiveOf(`#!/bin/sh\n${saysUnsafe}\n`);
    const url = await machine.serve((_request, response) => response.end(unsafe));
    expect(String((await getTemporal({ PERENNIAL_TEMPORAL_CLI_URL: url })).problem)).toContain('1.29.1');
    expect(existsSync(join(machine.cache, kept))).toBe(false);
  });

  it('is given up after five seconds without an answer, with a message that says what to install', async () => {
    const url = await machine.serve(() => {});
    await expectGivenUp(url, 'no answer within 4 s');
  });

  it('is given up equally soon if an answer stops in the middle', async () => {
    const url = await machine.serve((_request, response) => {
      response.writeHead(200, { 'content-length': archive.length });
      response.write(archive.subarray(0, 20));
    });
    await expectGivenUp(url, 'no answer within 4 s');
  });

  it('is given up at once if no server listens or the release does not exist', async () => {
    await expectGivenUp(await machine.deadUrl(), 'ECONNREFUSED');
    await expectGivenUp(await machine.serve((_request, response) => response.writeHead(404).end()), 'HTTP 404');
  });

  it('is downloaded through the proxy of the environment, but directly from this machine', async () => {
    await machine.link('curl');
    const mirror = await machine.serve((_request, response) => response.end(archive));
    const proxy = await startWebProxy({ 'releases.example': new URL(mirror).host }, 'user:s3cret');
    try {
      const down = await getTemporal({ PERENNIAL_TEMPORAL_CLI_URL: 'http://gone.example', HTTP_PROXY: proxy.url });
      expect(down.problem).toMatch(/http:\/\/gone\.example.*: curl: .*502/);
      expect(down.problem).not.toContain('s3cret');
      await getTemporal({ PERENNIAL_TEMPORAL_CLI_URL: 'http://releases.example', HTTP_PROXY: proxy.url });
      expect(existsSync(join(machine.cache, kept))).toBe(true);
      expect(proxy.asked.map((asked) => new URL(asked.split(' ')[1] ?? '').host)).toEqual([
        'gone.example',
        'releases.example',
      ]);
      await rm(join(machine.cache, kept));
      await getTemporal({ PERENNIAL_TEMPORAL_CLI_URL: mirror, HTTP_PROXY: proxy.url });
      expect(existsSync(join(machine.cache, kept))).toBe(true);
      expect(proxy.asked).toHaveLength(2);
    } finally {
      await proxy.close();
    }
  });

  it('with other bytes than the release is refused', async () => {
    const url = await machine.serve((_request, response) => response.end(archive));
    const target = join(machine.folder, 'kept');
    const download = (sha256: string) =>
      machine.call(
        'download-program.mjs',
        `setup.downloadProgram({ url: '${url}', sha256: '${sha256}', file: 'temporal', target: '${target}', progress: () => {} })`,
      );
    expect(await download('0'.repeat(64))).toEqual({
      done: { failed: expect.stringMatching(/^temporal in http.* has the SHA-256 [0-9a-f]{64} instead of 0{64}$/) },
    });
    expect(existsSync(target)).toBe(false);
    expect(await download(sha256Of(`#!/bin/sh\n${saysTemporal}\n`))).toEqual({ done: { from: url } });
  });

  it('that is named explicitly and does not work is an error, and nothing else is tried', async () => {
    const url = await machine.serve((_request, response) => response.end(archive));
    for (const [body, why] of [
      ['exit 1', 'does not run'],
      [saysUnsafe, 'has Temporal server 1.29.1'],
    ] as const) {
      const named = await machine.script('mine', body);
      const env = { PERENNIAL_TEMPORAL_CLI: named, PERENNIAL_TEMPORAL_CLI_URL: url };
      const { problem } = await getTemporal(env);
      expect(problem).toContain(`PERENNIAL_TEMPORAL_CLI names a program that cannot be used (${named} ${why}`);
    }
    const { problem } = await getTemporal({ PERENNIAL_TEMPORAL_CLI: '/nowhere', PERENNIAL_TEMPORAL_CLI_URL: url });
    expect(problem).toContain('(/nowhere does not exist or is not executable)');
  });
});

describe('MinIO', () => {
  const getMinio = () => machine.call('get-program.mjs', 'setup.getMinio(process.env, () => {})');

  it('is built from source, and a failed build leaves nothing', async () => {
    expect((await getMinio()).problem).toMatch(
      /building .*minio.* needs Go, which is not installed.*install Go 1\.25 or newer/,
    );
    await machine.script(
      'go',
      '[ "$1" = version ] && exit 0\necho half > "$GOBIN/minio"\necho "no space left" >&2\nexit 1',
    );
    expect(String((await getMinio()).problem)).toContain('no space left');
    expect(existsSync(join(machine.cache, 'perennial/bin/minio'))).toBe(false);
    await machine.script(
      'go',
      `[ "$1" = version ] && exit 0\nprintf '#!/bin/sh\\necho minio version 1\\n' > "$GOBIN/minio"\nchmod 755 "$GOBIN/minio"`,
    );
    expect(await getMinio()).toEqual({ done: 'go install github.com/minio/minio@latest' });
    expect(await getMinio()).toEqual({ done: false });
  });
});

async function expectGivenUp(url: string, reason: string): Promise<void> {
  const begun = performance.now();
  const { problem } = await getTemporal({ PERENNIAL_TEMPORAL_CLI_URL: url });
  expect(performance.now() - begun).toBeLessThan(5_000);
  expect(String(problem)).toContain(reason);
  expect(String(problem)).toMatch(
    /install version 1\.9\.1 or newer so that `temporal` is on the PATH, or give this machine access to/,
  );
  expect(existsSync(join(machine.cache, kept))).toBe(false);
}

/** Returns a release archive whose program is a shell script. */
async function archiveOf(script: string): Promise<Buffer> {
  const folder = join(machine.folder, 'release');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'temporal'), script);
  await writeFile(join(folder, 'LICENSE'), '');
  await chmod(join(folder, 'temporal'), 0o755);
  return execFileSync('tar', ['-czf', '-', '-C', folder, 'LICENSE', 'temporal']);
}

function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
