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

/** Downloads blobs into a folder, checks their digests, and returns their paths in the same order. */
export async function fetchFiles(store: BlobReader, digests: readonly Sha256[], folder: string): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const paths: string[] = [];
  for (const [index, sha256] of digests.entries()) {
    const path = join(folder, `${String(index).padStart(6, '0')}-${sha256.slice(0, 16)}`);
    await store.getFile(sha256, path);
    paths.push(path);
  }
  return paths;
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
