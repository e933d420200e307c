import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sha256OfBytes } from '../../contracts/digest.ts';
import type { Sha256 } from '../../contracts/identifiers.ts';
import type { ObjectStore } from '../../ports/object-store.ts';

export interface ObjectStoreUnderTest {
  readonly store: ObjectStore;
  /** A store of the same kind whose server does not answer. */
  readonly unreachable: ObjectStore;
  /** Changes stored bytes without going through the store. */
  alter(sha256: Sha256, bytes: Buffer): Promise<void>;
  /** Returns the number of stored objects, leftovers of failed writes included. */
  stored(): Promise<number>;
  stop(): Promise<void>;
}

/** Tests what every object store must hold. Run it against each adapter. */
export function objectStoreContract(name: string, start: () => Promise<ObjectStoreUnderTest>): void {
  describe(`${name} keeps the object store's contract`, () => {
    let subject: ObjectStoreUnderTest;
    let folder: string;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'perennial-store-'));
      subject = await start();
    }, 60_000);
    afterAll(async () => {
      await subject?.stop();
      await rm(folder, { recursive: true, force: true });
    });

    test('stored bytes can be read by stream, whole and as a file', async () => {
      const bytes = randomBytes(300_000);
      const sha256 = sha256OfBytes(bytes);
      expect(await subject.store.size(sha256)).toBeUndefined();
      expect(await subject.store.put(sha256, inPieces(bytes))).toEqual({ bytes: bytes.length, existed: false });
      expect(await subject.store.size(sha256)).toBe(bytes.length);
      expect(await drain(await subject.store.get(sha256))).toEqual(bytes);
      expect(await subject.store.read(sha256)).toEqual(bytes);
      await subject.store.getFile(sha256, join(folder, 'down', 'blob'));
      expect(await readFile(join(folder, 'down', 'blob'))).toEqual(bytes);
      expect(await readdir(join(folder, 'down'))).toEqual(['blob']);
    });

    test('an empty blob is a valid blob', async () => {
      const { sha256, bytes } = await subject.store.putBytes(new Uint8Array());
      expect(bytes).toBe(0);
      expect(await subject.store.size(sha256)).toBe(0);
      expect(await subject.store.read(sha256)).toEqual(Buffer.alloc(0));
    });

    test('bytes and files are stored under their own digest', async () => {
      const bytes = randomBytes(1000);
      const expected = { sha256: sha256OfBytes(bytes), bytes: 1000 };
      expect(await subject.store.putBytes(bytes)).toEqual(expected);
      const file = randomBytes(2000);
      await writeFile(join(folder, 'up'), file);
      expect(await subject.store.putFile(join(folder, 'up'))).toEqual({ sha256: sha256OfBytes(file), bytes: 2000 });
      expect(await subject.store.read(sha256OfBytes(file))).toEqual(file);
    });

    test('storing again changes nothing and reports that the blob exists', async () => {
      const { sha256 } = await subject.store.putBytes(Buffer.from('once'));
      const before = await subject.stored();
      expect(await subject.store.put(sha256, Readable.from([Buffer.from('once')]))).toEqual({
        bytes: 4,
        existed: true,
      });
      expect(await subject.stored()).toBe(before);
    });

    test('bytes that do not match their digest are refused and leave nothing', async () => {
      const sha256 = sha256OfBytes('what was promised');
      const before = await subject.stored();
      await expect(subject.store.put(sha256, inPieces(randomBytes(200_000)))).rejects.toMatchObject({
        code: 'digest-mismatch',
        fields: { sha256 },
      });
      expect(await subject.store.size(sha256)).toBeUndefined();
      expect(await subject.stored()).toBe(before);
    });

    test('bytes that do not match their digest are refused even if the blob exists, which stays unchanged', async () => {
      const bytes = randomBytes(150_000);
      const { sha256 } = await subject.store.putBytes(bytes);
      for (const wrong of [randomBytes(150_000), bytes.subarray(1), Buffer.alloc(0)])
        await expect(subject.store.put(sha256, inPieces(wrong))).rejects.toMatchObject({
          code: 'digest-mismatch',
          fields: { sha256, found: sha256OfBytes(wrong) },
        });
      expect(await subject.store.read(sha256)).toEqual(bytes);
    });

    test('a broken upload leaves nothing', async () => {
      const sha256 = sha256OfBytes('never finished');
      const before = await subject.stored();
      const broken = Readable.from(
        (function* () {
          yield Buffer.from('never ');
          throw new Error('the client went away');
        })(),
      );
      await expect(subject.store.put(sha256, broken)).rejects.toThrow('the client went away');
      expect(await subject.store.size(sha256)).toBeUndefined();
      expect(await subject.stored()).toBe(before);
    });

    test('twenty concurrent uploads of the same blob store it once', async () => {
      const bytes = randomBytes(100_000);
      const sha256 = sha256OfBytes(bytes);
      const before = await subject.stored();
      await Promise.all(Array.from({ length: 20 }, () => subject.store.put(sha256, inPieces(bytes))));
      expect(await subject.store.read(sha256)).toEqual(bytes);
      expect(await subject.stored()).toBe(before + 1);
    });

    test('reading an absent blob in any way is blob-missing', async () => {
      const sha256 = sha256OfBytes('nobody put this');
      await expect(subject.store.get(sha256)).rejects.toMatchObject({ code: 'blob-missing', fields: { sha256 } });
      await expect(subject.store.read(sha256)).rejects.toMatchObject({ code: 'blob-missing' });
      await expect(subject.store.getFile(sha256, join(folder, 'absent'))).rejects.toMatchObject({
        code: 'blob-missing',
      });
      await expect(access(join(folder, 'absent'))).rejects.toThrow();
    });

    test.each([
      [
        'one changed bit',
        (bytes: Buffer) => Buffer.concat([bytes.subarray(0, -1), Buffer.from([(bytes.at(-1) ?? 0) ^ 1])]),
      ],
      ['a truncated end', (bytes: Buffer) => bytes.subarray(0, -10)],
      ['no bytes', () => Buffer.alloc(0)],
    ])('reading altered bytes (%s) in any way is blob-corrupt', async (_name, alter) => {
      const bytes = randomBytes(150_000);
      const { sha256 } = await subject.store.putBytes(bytes);
      await subject.alter(sha256, alter(bytes));
      const stream = await subject.store.get(sha256);
      await expect(drain(stream)).rejects.toMatchObject({ code: 'blob-corrupt' });
      await expect(subject.store.read(sha256)).rejects.toMatchObject({ code: 'blob-corrupt' });
      await expect(subject.store.getFile(sha256, join(folder, 'altered'))).rejects.toMatchObject({
        code: 'blob-corrupt',
      });
      await expect(access(join(folder, 'altered'))).rejects.toThrow();
    });

    test('a removed blob is gone, and removing it again is no error', async () => {
      const { sha256 } = await subject.store.putBytes(randomBytes(10));
      await subject.store.remove(sha256);
      await subject.store.remove(sha256);
      expect(await subject.store.size(sha256)).toBeUndefined();
    });

    test('all blobs are listed in pages, in the order of their digests, with size and age', async () => {
      const begun = Date.now();
      const put = await Promise.all(
        Array.from({ length: 7 }, (_, index) => subject.store.putBytes(Buffer.from(`listed ${index}`))),
      );
      const listed = [];
      for (let after: Sha256 | null = null; ;) {
        const page = await subject.store.list(after, 3);
        listed.push(...page);
        if (page.length < 3) break;
        after = page.at(-1)?.sha256 ?? null;
      }
      const names = listed.map((blob) => blob.sha256);
      expect(names).toEqual([...new Set(names)].toSorted());
      for (const { sha256, bytes } of put) {
        const found = listed.find((blob) => blob.sha256 === sha256);
        expect(found?.bytes).toBe(bytes);
        // Servers report times in whole seconds, and some truncate them.
        expect(Math.abs(Date.parse(found?.putAt ?? '') - begun)).toBeLessThan(60_000);
      }
      expect(await subject.store.list('f'.repeat(64), 3)).toEqual([]);
    });

    test('a blob stored since the given time stays, and an older one is removed', async () => {
      const { sha256 } = await subject.store.putBytes(randomBytes(10));
      const before = await subject.stored();
      expect(await subject.store.removeUntouched(sha256, new Date(Date.now() - 60_000).toISOString())).toBe(false);
      expect(await subject.store.size(sha256)).toBe(10);
      expect(await subject.stored()).toBe(before);
      expect(await subject.store.removeUntouched(sha256, new Date(Date.now() + 60_000).toISOString())).toBe(true);
      expect(await subject.store.size(sha256)).toBeUndefined();
      expect(await subject.stored()).toBe(before - 1);
      expect(await subject.store.removeUntouched(sha256, new Date().toISOString())).toBe(true);
    });

    test('reading more than the limit at once is too-large', async () => {
      const { sha256 } = await subject.store.putBytes(randomBytes(1001));
      await expect(subject.store.read(sha256, 1000)).rejects.toMatchObject({ code: 'too-large' });
      expect((await subject.store.read(sha256, 1001)).length).toBe(1001);
    });

    test('96 MiB pass through in memory that does not grow with them', async () => {
      const total = 96 * 2 ** 20;
      const chunk = randomBytes(2 ** 20);
      const path = join(folder, 'large');
      await writeFile(
        path,
        (function* () {
          for (let sent = 0; sent < total; sent += chunk.length) yield chunk;
        })(),
      );
      const watch = watchMemory();
      const { sha256, bytes } = await subject.store.putFile(path);
      expect(bytes).toBe(total);
      await subject.store.remove(sha256);
      await subject.store.put(sha256, createReadStream(path));
      await subject.store.getFile(sha256, join(folder, 'large-again'));
      expect(watch.stop()).toBeLessThan(64 * 2 ** 20);
    }, 60_000);

    test('an object with a name is stored once, and keeps its first content', async () => {
      const named = 'named-things/one/000000000000007.json';
      expect(await subject.store.readNamed(named)).toBeUndefined();
      expect(await subject.store.putNamed(named, Buffer.from('first'))).toBe(true);
      expect(await subject.store.putNamed(named, Buffer.from('second'))).toBe(false);
      expect(await subject.store.readNamed(named)).toEqual(Buffer.from('first'));
      await subject.store.removeNamed(named);
      await subject.store.removeNamed(named);
      expect(await subject.store.readNamed(named)).toBeUndefined();
    });

    test('named objects are listed by folder in the order of their names, in pages', async () => {
      expect(await subject.store.listNamed('listed/', null, 10)).toEqual([]);
      const names = ['listed/a/1.json', 'listed/a/2.json', 'listed/b/1.json'];
      for (const each of names.toReversed()) await subject.store.putNamed(each, Buffer.from(each));
      expect(await subject.store.listNamed('listed/', null, 10)).toEqual(names);
      expect(await subject.store.listNamed('listed/', null, 2)).toEqual(names.slice(0, 2));
      expect(await subject.store.listNamed('listed/', 'listed/a/1.json', 10)).toEqual(names.slice(1));
      expect(await subject.store.listNamed('listed/a/', 'listed/a/1.json', 10)).toEqual(['listed/a/2.json']);
    });

    test('named objects are not blobs, so a sweep of the store does not see them', async () => {
      await subject.store.putNamed('beside/the/blobs.json', Buffer.from('{}'));
      const blobs = await subject.store.list(null, 100_000);
      expect(blobs.every((blob) => /^[0-9a-f]{64}$/.test(blob.sha256))).toBe(true);
      expect(await subject.store.readNamed('beside/the/blobs.json')).toEqual(Buffer.from('{}'));
    });

    test.each(['../out', 'a/../../out', '/etc/passwd', 'no-folder', 'blobs/x', 'A/b', 'a//b', 'a/./b'])(
      '"%s" is refused as a name, because it would lead out of the store, or to a blob',
      async (wrong) => {
        await expect(subject.store.putNamed(wrong, Buffer.from('x'))).rejects.toThrow('is not a valid name');
        await expect(subject.store.readNamed(wrong)).rejects.toThrow('is not a valid name');
        await expect(subject.store.removeNamed(wrong)).rejects.toThrow('is not a valid name');
      },
    );

    test('a store that does not answer is store-unavailable', async () => {
      const sha256 = sha256OfBytes('x');
      const saysSo = { code: 'store-unavailable', retryable: true };
      await expect(subject.unreachable.check()).rejects.toMatchObject(saysSo);
      await expect(subject.unreachable.put(sha256, Readable.from([Buffer.from('x')]))).rejects.toMatchObject(saysSo);
      await expect(subject.unreachable.putBytes(Buffer.from('x'))).rejects.toMatchObject(saysSo);
      await expect(subject.unreachable.size(sha256)).rejects.toMatchObject(saysSo);
      await expect(subject.unreachable.get(sha256)).rejects.toMatchObject(saysSo);
      await expect(subject.unreachable.putNamed('a/b', Buffer.from('x'))).rejects.toMatchObject(saysSo);
      await expect(subject.unreachable.readNamed('a/b')).rejects.toMatchObject(saysSo);
      await subject.store.check();
    });
  });
}

function inPieces(bytes: Buffer): Readable {
  return Readable.from(
    (function* () {
      for (let at = 0; at < bytes.length; at += 10_000) yield bytes.subarray(at, at + 10_000);
    })(),
  );
}

async function drain(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Measures the peak size of live buffers above the size at the start; garbage does not count. */
function watchMemory(): { stop(): number } {
  setFlagsFromString('--expose-gc');
  const collectGarbage: () => void = runInNewContext('gc');
  const live = (): number => {
    collectGarbage();
    return process.memoryUsage().arrayBuffers;
  };
  const before = live();
  let most = 0;
  const timer = setInterval(() => (most = Math.max(most, live() - before)), 100);
  return {
    stop: () => {
      clearInterval(timer);
      return most;
    },
  };
}
