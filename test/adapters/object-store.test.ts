import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { Client } from 'minio';
import { expect, test } from 'vitest';
import { createDiskObjectStore } from '../../adapters/object-store/disk.ts';
import { createS3ObjectStore } from '../../adapters/object-store/s3.ts';
import { temporaryName } from '../../adapters/object-store/whole-file.ts';
import { objectStoreContract } from '../contract/object-store-contract.ts';
import { startMinio } from '../support/minio.ts';

async function filesUnder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

objectStoreContract('the local disk', async () => {
  const root = await mkdtemp(join(tmpdir(), 'perennial-disk-'));
  const folder = join(root, 'blobs');
  await writeFile(join(root, 'a-file'), '');
  return {
    store: createDiskObjectStore(folder),
    // A path below a file can be neither read nor created.
    unreachable: createDiskObjectStore(join(root, 'a-file', 'blobs')),
    alter: (sha256, bytes) => writeFile(join(folder, sha256.slice(0, 2), sha256), bytes),
    stored: async () => (await filesUnder(root)).length,
    stop: () => rm(root, { recursive: true, force: true }),
  };
});

objectStoreContract('an S3 server', async () => {
  const minio = await startMinio();
  const scratchFolder = await mkdtemp(join(tmpdir(), 'perennial-spool-'));
  const settings = { ...minio, bucket: 'perennial-test', region: 'us-east-1', scratchFolder };
  const client = new Client({
    endPoint: '127.0.0.1',
    port: Number(new URL(minio.endpoint).port),
    useSSL: false,
    accessKey: minio.accessKey,
    secretKey: minio.secretKey,
  });
  return {
    store: createS3ObjectStore(settings),
    unreachable: createS3ObjectStore({ ...settings, endpoint: 'http://127.0.0.1:1' }),
    alter: async (sha256, bytes) =>
      void (await client.putObject('perennial-test', `blobs/${sha256}`, bytes, bytes.length)),
    stored: async () => {
      const objects = (await client.bucketExists('perennial-test'))
        ? await client.listObjectsV2('perennial-test', '', true).toArray()
        : [];
      return objects.length + (await filesUnder(scratchFolder)).length;
    },
    stop: async () => {
      await minio.stop();
      await rm(scratchFolder, { recursive: true, force: true });
    },
  };
});

test('on the local disk, storing a blob again in any way renews its age', async () => {
  const root = await mkdtemp(join(tmpdir(), 'perennial-disk-'));
  try {
    const store = createDiskObjectStore(root);
    const bytes = Buffer.from('old');
    const { sha256 } = await store.putBytes(bytes);
    await writeFile(join(root, 'a-file'), bytes);
    const longAgo = new Date('2020-01-01T00:00:00Z');
    const ways = [
      () => store.put(sha256, Readable.from([bytes])),
      () => store.putBytes(bytes),
      () => store.putFile(join(root, 'a-file')),
    ];
    for (const putAgain of ways) {
      await utimes(join(root, sha256.slice(0, 2), sha256), longAgo, longAgo);
      expect((await store.list(null, 1))[0]?.putAt).toBe(longAgo.toISOString());
      await putAgain();
      expect(await store.removeUntouched(sha256, new Date(Date.now() - 60_000).toISOString())).toBe(false);
    }
    // Reading does not count as storing again.
    await utimes(join(root, sha256.slice(0, 2), sha256), longAgo, longAgo);
    await store.read(sha256);
    expect(await store.removeUntouched(sha256, '2021-01-01T00:00:00.000Z')).toBe(true);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});

test('an S3 server that fails during a download is store-unavailable, not a wrong digest', async () => {
  const minio = await startMinio();
  try {
    const store = createS3ObjectStore({ ...minio, bucket: 'b-gone', region: 'us-east-1' });
    const { sha256 } = await store.putBytes(Buffer.alloc(32 * 2 ** 20, 7));
    const stream = await store.get(sha256);
    const reading = (async () => {
      for await (const chunk of stream as AsyncIterable<Buffer>) if (chunk.length > 0) await minio.stop();
    })();
    await expect(reading).rejects.toMatchObject({ code: 'store-unavailable' });
  } finally {
    await minio.stop();
  }
});

test("wrong keys for an S3 server are store-unavailable, with the server's message", async () => {
  const minio = await startMinio();
  try {
    const store = createS3ObjectStore({ ...minio, secretKey: 'not-the-secret', bucket: 'b-keys', region: 'us-east-1' });
    await expect(store.check()).rejects.toMatchObject({ code: 'store-unavailable' });
  } finally {
    await minio.stop();
  }
});

test('the local store removes unfinished files of killed processes at its next start, and keeps those of live processes', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'perennial-disk-'));
  try {
    const killed = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    const ended = once(killed, 'exit');
    killed.kill('SIGKILL');
    await ended;
    await mkdir(join(folder, 'tmp'));
    // The second file belongs to a process that had this process's id before the container restarted.
    const left = [`${hostname()}~${killed.pid}~half.part`, `${hostname()}~${process.pid}~half.part`];
    const others = [`${hostname()}~${process.ppid}~half.part`, `elsewhere~${killed.pid}~half.part`, temporaryName()];
    for (const name of [...left, ...others]) await writeFile(join(folder, 'tmp', name), 'half');
    await createDiskObjectStore(folder).check();
    expect((await readdir(join(folder, 'tmp'))).toSorted()).toEqual(others.toSorted());
  } finally {
    await rm(folder, { recursive: true });
  }
});
