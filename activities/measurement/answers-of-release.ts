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
  /** Segments whose ids are distinct. */
  readonly segments: readonly Sha256[];
  readonly folder: string;
}

/** Raise it when the table engine writes answers differently. */
const version = 1;
const readAtOnce = 16;
const lookedUpAtOnce = 200;

/**
 * Returns segments of the rows that a release answered, as files in `folder`: of each segment its answers alone, without
 * features. They are kept on this machine, so that each segment is read once however often its answers are needed.
 * Segments whose summary says that the release answered nothing are left out without being read.
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
    answers: join(folder, `answers-${String(at).padStart(6, '0')}`),
  }));
  const known = new Set<Sha256>();
  await eachAFewAtATime(wanted, async ({ segment, key, answers }) => {
    if (await deps.derivedFiles.take(key, answers)) known.add(segment);
  });
  const unknown = segments.filter((segment) => !known.has(segment));
  const silent = await withoutAnswers(deps, scope, release, unknown);
  const missing = wanted.filter(({ segment }) => !known.has(segment) && !silent.has(segment));
  for (let from = 0; from < missing.length; from += readAtOnce) {
    const some = missing.slice(from, from + readAtOnce);
    const files = segmentFiles(
      deps.objectStore,
      some.map(({ segment }) => segment),
      join(folder, `segments-${from}`),
    );
    await files.supply(files.paths);
    const read = some.map(({ answers }, at) => ({ path: files.paths[at] ?? '', answers }));
    await deps.tableEngine.keepAnswers({ segments: read, release });
    await eachAFewAtATime(some, ({ key, answers }) => deps.derivedFiles.keep(key, answers));
  }
  return wanted.flatMap(({ segment, answers }) => (silent.has(segment) ? [] : [answers]));
}

/** Returns the segments whose summary says that the release answered nothing. */
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
