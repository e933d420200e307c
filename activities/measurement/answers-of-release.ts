import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256OfJson } from '../../contracts/digest.ts';
import type { Scope, Sha256 } from '../../contracts/identifiers.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';
import { eachAFewAtATime } from '../steps/workspace.ts';
import { segmentFiles } from './segment-files.ts';

type Dependencies = Pick<ActivityDependencies, 'repositories' | 'objectStore' | 'tableEngine' | 'derivedFiles'>;

interface Asked {
  readonly release: Sha256;
  /** No prediction id may occur twice in them. */
  readonly segments: readonly Sha256[];
  readonly folder: string;
}

/** Raise it when the table engine writes answers differently. */
const version = 1;
const readAtOnce = 16;
const lookedUpAtOnce = 200;

/**
 * Writes for each segment a file with only the rows that a release answered, without features, and returns the paths of
 * these files in `folder`. Copies are kept on this machine, so that a segment is read once, however often its answers are
 * needed. A segment in which the release answered nothing, as its summary says, is not read and has no file.
 */
export async function answersOfRelease(
  deps: Dependencies,
  scope: Scope,
  { release, segments, folder }: Asked,
): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const wanted = segments.map((segment, at) => ({
    segment,
    key: sha256OfJson({ answersOf: release, segment, version }),
    path: join(folder, `answers-${String(at).padStart(6, '0')}`),
  }));
  const kept = await deps.derivedFiles.take(wanted);
  const unread = wanted.filter(({ key }) => !kept.has(key));
  const silent = await withoutAnswers(
    deps,
    scope,
    release,
    unread.map(({ segment }) => segment),
  );
  const missing = unread.filter(({ segment }) => !silent.has(segment));
  for (let from = 0; from < missing.length; from += readAtOnce) {
    const some = missing.slice(from, from + readAtOnce);
    const files = segmentFiles(
      deps.objectStore,
      some.map(({ segment }) => segment),
      join(folder, `segments-${from}`),
    );
    await files.supply(files.paths);
    const read = some.map(({ path }, at) => ({ path: files.paths[at] ?? '', answers: path }));
    await deps.tableEngine.keepAnswers({ segments: read, release });
    await eachAFewAtATime(some, (one) => deps.derivedFiles.keep(one));
  }
  return wanted.flatMap(({ segment, path }) => (silent.has(segment) ? [] : [path]));
}

/** Returns the segments in which the release answered nothing, as far as summaries say so. */
async function withoutAnswers(
  { repositories: { monitoring } }: Dependencies,
  scope: Scope,
  release: Sha256,
  segments: readonly Sha256[],
): Promise<ReadonlySet<Sha256>> {
  const silent = new Set<Sha256>();
  const counting = await monitoring.counting(scope);
  if (counting === undefined) return silent;
  for (let from = 0; from < segments.length; from += lookedUpAtOnce) {
    const some = segments.slice(from, from + lookedUpAtOnce);
    for (const [segment, { releases }] of await monitoring.summaries(scope, some, counting.key))
      if (releases.every((one) => one.release !== release)) silent.add(segment);
  }
  return silent;
}
