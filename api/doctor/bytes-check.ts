import { once } from 'node:events';
import { PerennialError } from '../../contracts/errors.ts';
import type { ObjectStore } from '../../ports/object-store.ts';
import type { Reference } from '../../ports/repositories/reference-repository.ts';
import type { Check, Look, Looked } from './check.ts';

const askedAtOnce = 16;
const referencesAPage = 200;
/** A deep check ends its page soon after this many bytes, to bound the time of a request. */
const deepBytesAPage = 2 ** 30;

/**
 * Finds bytes that a version refers to and that are missing or wrong in the object store. They cannot be repaired,
 * because only their producer has them.
 */
export const checkBytes: Check = async ({ repositories, objectStore }, look) => {
  const references = await repositories.references.list(look.after ?? null, referencesAPage);
  const problems: Looked['problems'][number][] = [];
  let [examined, bytes] = [0, 0];
  while (examined < references.length && bytes < deepBytesAPage) {
    const some = references.slice(examined, examined + (look.deep ? 1 : askedAtOnce));
    for (const { problem, size } of await Promise.all(some.map((one) => lookAt(objectStore, one, look)))) {
      if (problem !== undefined) problems.push(problem);
      if (look.deep) bytes += size;
    }
    examined += some.length;
  }
  const done = examined === references.length && references.length < referencesAPage;
  return { examined, problems, next: done ? undefined : references[examined - 1]?.sha256 };
};

async function lookAt(
  store: ObjectStore,
  reference: Reference,
  { deep }: Pick<Look, 'deep'>,
): Promise<{ readonly problem?: Looked['problems'][number]; readonly size: number }> {
  const { sha256, project, model, version, usedIn } = reference;
  const size = await store.size(sha256);
  const why =
    size === undefined ? 'it is missing from the object store' : deep ? await whyWrong(store, sha256) : undefined;
  if (why === undefined) return { size: size ?? 0 };
  const used = usedIn.length === 0 ? '' : ` (used in ${usedIn.join(', ')})`;
  return {
    size: size ?? 0,
    problem: {
      subject: `blob ${sha256}`,
      what: `${why}, but ${version} of ${project}/${model}${used} refers to it`,
      state: 'found',
      wayOut:
        'restore it under its name from a backup of the object store, or ingest the same files or run the same build again, which produces the same bytes',
    },
  };
}

/** Reads and discards the whole blob; the store checks the digest while reading. */
async function whyWrong(store: ObjectStore, sha256: string): Promise<string | undefined> {
  try {
    const stream = await store.get(sha256);
    stream.resume();
    await once(stream, 'end');
    return undefined;
  } catch (caught) {
    if (caught instanceof PerennialError && caught.code === 'blob-corrupt')
      return 'the bytes in the object store do not match its SHA-256';
    if (caught instanceof PerennialError && caught.code === 'blob-missing')
      return 'it is missing from the object store';
    throw caught;
  }
}
