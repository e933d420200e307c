import { usualGraceMs } from '../../contracts/runs/collection.ts';
import type { Sha256 } from '../../contracts/identifiers.ts';
import type { Activities } from '../../contracts/pipelines/steps.ts';
import type { StoringDependencies } from '../activity-dependencies.ts';
import { type RenewingDependencies, renewProfiles } from '../data/renew-profiles.ts';

/** Number of blobs per page; memory holds one page. */
const blobsAtOnce = 1_000;
/** One call ends after this many pages, well within its time limit, and the workflow calls again. */
const pagesASweep = 100;

/** Half of the time limit of an attempt. */
const renewingMs = 30 * 60_000;

type Parts = Pick<StoringDependencies, 'repositories' | 'objectStore' | 'lifecyclePrincipal'>;

export function createBeginCollection({ repositories, lifecyclePrincipal }: Parts): Activities['beginCollection'] {
  const { collections } = repositories;
  return async ({ collectionId }) => {
    if (collectionId !== null) return { collectionId };
    const principal = await repositories.principals.ensure(lifecyclePrincipal, 'service', [], null);
    const begun = await collections.begin({ dryRun: false, graceMs: usualGraceMs, by: principal.id });
    return { collectionId: begun.id };
  };
}

export function createMarkReachable({ repositories }: Parts): Activities['markReachable'] {
  return ({ collectionId }) => repositories.collections.mark(collectionId);
}

export function createSweepGarbage(
  { repositories, objectStore }: Parts,
  pageSize = blobsAtOnce,
): Activities['sweepGarbage'] {
  const { collections } = repositories;
  return async ({ collectionId }) => {
    for (let pages = 0; pages < pagesASweep; pages += 1) {
      const page = await objectStore.list(await collections.cursor(collectionId), pageSize);
      const last = page.at(-1);
      if (last === undefined) return { done: true };
      const { putBefore, dryRun } = await collections.get(collectionId);
      // `putBefore` is null until marking is complete; before that, nothing is known to be unreachable.
      const old = putBefore === null ? [] : page.filter((blob) => blob.putAt < putBefore);
      const claimed = await collections.claim(
        collectionId,
        old.map(({ sha256, bytes }) => ({ sha256, bytes })),
      );
      const spared: Sha256[] = [];
      if (!dryRun && putBefore !== null)
        for (const { sha256 } of claimed)
          if (!(await objectStore.removeUntouched(sha256, putBefore))) spared.push(sha256);
      await collections.advance(collectionId, { scanned: page.length, cursor: last.sha256, spared });
      if (page.length < pageSize) return { done: true };
    }
    return { done: false };
  };
}

/** Ends the collection, then does the other regular work of the installation. */
export function createEndCollection(deps: RenewingDependencies): Activities['endCollection'] {
  return async ({ collectionId, failure }) => {
    const { dryRun } = await deps.repositories.collections.end(collectionId, failure);
    if (!dryRun && failure === null) await renewProfiles(deps, renewingMs);
  };
}
