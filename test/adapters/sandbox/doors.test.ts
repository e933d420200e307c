import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { layTestSandbox } from '../../support/lay-sandbox.ts';

test('a command reaches its one port through a folder with a path of any length, which is removed afterwards', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'perennial-doors-'));
  // Makes the path longer than a socket's path may be.
  const scratchFolder = join(folder, 'long'.repeat(40));
  const { sandbox, remove } = await layTestSandbox('bubblewrap', { scratchFolder });
  let during: string[] = [];
  const server = createServer((socket) => {
    void readdir(scratchFolder).then((names) => {
      during = names;
      socket.end('hello');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  let said = '';
  try {
    const ending = await sandbox.run(
      {
        title: 'a command',
        file: '/bin/bash',
        args: ['-c', `exec 3<>/dev/tcp/127.0.0.1/${port}; cat <&3`],
        cwd: '/',
        env: { PATH: '/usr/bin:/bin' },
        mounts: [],
        network: { kind: 'loopback', port },
        limits: { timeoutMs: 20_000, memoryBytes: 2 ** 30, processes: 20, diskBytes: 2 ** 20, files: 100 },
        signal: new AbortController().signal,
      },
      (_stream, chunk) => (said += chunk.toString()),
    );
    expect({ ending, said }).toEqual({ ending: { kind: 'exited', exitCode: 0, signal: null }, said: 'hello' });
    expect(during).toEqual([expect.stringMatching(/^door-/)]);
    expect(await readdir(scratchFolder)).toEqual([]);
  } finally {
    server.close();
    await remove();
    await rm(folder, { recursive: true, force: true });
  }
});
