import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import { canonicalJson } from '../../contracts/canonical.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { Sha256 } from '../../contracts/identifiers.ts';
import type { BlobReader, ObjectStore } from '../../ports/object-store.ts';

/** Creates a folder for one attempt and removes it when the attempt ends, also if it fails. */
export async function withWorkspace<Result>(
  scratchFolder: string,
  name: string,
  work: (folder: string) => Promise<Result>,
): Promise<Result> {
  await mkdir(scratchFolder, { recursive: true });
  const folder = await mkdtemp(join(scratchFolder, `${name}-`));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Downloads blobs into a folder, a few at a time, checks their digests, and returns their paths in the same order. */
export async function fetchFiles(store: BlobReader, digests: readonly Sha256[], folder: string): Promise<string[]> {
  const places = digests.map((sha256, index) => ({
    sha256,
    path: join(folder, `${String(index).padStart(6, '0')}-${sha256.slice(0, 16)}`),
  }));
  await mkdir(folder, { recursive: true });
  await eachAFewAtATime(places, ({ sha256, path }) => store.getFile(sha256, path));
  return places.map(({ path }) => path);
}

/** Requests to the object store at a time. */
const atOnce = 8;

/** Runs `work` for each item, a few at a time. Waits until all that began have ended before it throws. */
export async function eachAFewAtATime<Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<void>,
): Promise<void> {
  let [next, hasFailed] = [0, false];
  const lanes = Array.from({ length: Math.min(atOnce, items.length) }, async () => {
    while (!hasFailed) {
      const item = items[next];
      next += 1;
      if (item === undefined) return;
      await work(item).catch((caught: unknown) => {
        hasFailed = true;
        throw caught;
      });
    }
  });
  for (const lane of await Promise.allSettled(lanes)) if (lane.status === 'rejected') throw lane.reason;
}

/**
 * Returns the results of work that is done at the same time. If some of it fails, waits until all has ended before it
 * throws the first error, because the caller may then remove the files that the work uses.
 */
export async function allEnded<Results extends readonly unknown[]>(work: {
  readonly [At in keyof Results]: Results[At] | Promise<Results[At]>;
}): Promise<Results> {
  await Promise.allSettled(work);
  return Promise.all(work);
}

export async function storeJson(store: ObjectStore, value: unknown): Promise<Sha256> {
  const { sha256 } = await store.putBytes(Buffer.from(canonicalJson(value)));
  return sha256;
}

export async function readJson<Schema extends z.ZodType>(
  store: BlobReader,
  sha256: Sha256,
  schema: Schema,
): Promise<z.infer<Schema>> {
  const bytes = await store.read(sha256);
  const parsed = schema.safeParse(JSON.parse(bytes.toString('utf8')));
  if (parsed.success) return parsed.data;
  throw new PerennialError(
    'internal',
    `the content of blob ${sha256} does not match its schema: ${parsed.error.message}`,
    {
      sha256,
    },
  );
}
