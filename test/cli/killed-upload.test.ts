import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { bikeInput } from '../support/api.ts';

const cli = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));

test('the command line leaves no file behind when it is killed in the middle of an upload', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'perennial-upload-'));
  const temporary = join(folder, 'tmp');
  await mkdir(join(folder, 'train'), { recursive: true });
  await mkdir(temporary);
  await writeFile(join(folder, 'train', 'train.py'), 'x'.repeat(2 ** 20));
  await writeFile(join(folder, 'train', 'requirements.lock'), '');
  await writeFile(join(folder, 'perennial.yaml'), stringify(bikeInput));
  // Takes the request, and neither reads nor answers it.
  const api = createServer(() => undefined).listen(0, '127.0.0.1');
  await once(api, 'listening');
  const address = api.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  const uploading = spawn(process.execPath, [cli, '--url', url, '--key', 'key', 'code', 'snapshot'], {
    cwd: folder,
    env: { ...process.env, TMPDIR: temporary, PERENNIAL_HOME: join(folder, 'home') },
    stdio: 'ignore',
  });
  try {
    const [request] = await once(api, 'request');
    expect(request).toMatchObject({ method: 'PUT', url: expect.stringMatching(/^\/v1\/blobs\//) });
    const ended = once(uploading, 'exit');
    uploading.kill('SIGKILL');
    await ended;
    expect(await readdir(temporary)).toEqual([]);
  } finally {
    uploading.kill('SIGKILL');
    api.closeAllConnections();
    api.close();
    await rm(folder, { recursive: true, force: true });
  }
});
