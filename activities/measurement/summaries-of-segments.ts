import type { Scope, Sha256 } from '../../contracts/identifiers.ts';
import type { KeyedCounting, SegmentSummary } from '../../ports/segment-summary.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';
import type { SegmentFiles } from './segment-files.ts';

const lookedUpAtOnce = 200;
const summarisedAtOnce = 16;
/** Length of the summaries' JSON, in characters, with which they are given to the table engine at once. */
const longest = 2 ** 26;

/**
 * Returns the summaries of segments by path, and has segments that are sealed from now on summarised in the same way.
 * Summaries that do not exist are computed and stored, so that each segment is read for them once. If all summaries
 * together are too long, some are left out.
 */
export async function summariesOfSegments(
  deps: Pick<ActivityDependencies, 'repositories' | 'tableEngine'>,
  scope: Scope,
  files: SegmentFiles,
  keyed: KeyedCounting,
): Promise<Record<string, SegmentSummary>> {
  const { monitoring } = deps.repositories;
  await monitoring.useCounting(scope, keyed);
  const byPath: Record<string, SegmentSummary> = {};
  let length = 0;
  for (let from = 0; from < files.digests.length && length <= longest; from += lookedUpAtOnce) {
    const digests = files.digests.slice(from, from + lookedUpAtOnce);
    const known = await monitoring.summaries(scope, digests, keyed.key);
    const made = await summarised(deps, scope, files, { digests: digests.filter((one) => !known.has(one)), keyed });
    for (const [at, digest] of digests.entries()) {
      const [path, summary] = [files.paths[from + at], known.get(digest) ?? made.get(digest)];
      if (path === undefined || summary === undefined) continue;
      length += JSON.stringify(summary).length;
      if (length <= longest) byPath[path] = summary;
    }
  }
  return byPath;
}

interface Missing {
  readonly digests: readonly Sha256[];
  readonly keyed: KeyedCounting;
}

async function summarised(
  { repositories, tableEngine }: Pick<ActivityDependencies, 'repositories' | 'tableEngine'>,
  scope: Scope,
  files: SegmentFiles,
  { digests, keyed: { key, counting } }: Missing,
): Promise<ReadonlyMap<Sha256, SegmentSummary>> {
  const made = new Map<Sha256, SegmentSummary>();
  const distinct = [...new Set(digests)];
  for (let from = 0; from < distinct.length; from += summarisedAtOnce) {
    const some = distinct.slice(from, from + summarisedAtOnce);
    const segments = some.map((digest) => files.paths[files.digests.indexOf(digest)] ?? '');
    await files.supply(segments);
    const summaries = await tableEngine.summariseSegments({ segments, counting });
    const added = some.flatMap((digest, at): [Sha256, SegmentSummary][] => {
      const summary = summaries[at];
      return summary === undefined ? [] : [[digest, summary]];
    });
    await repositories.monitoring.addSummaries(scope, key, new Map(added));
    for (const [digest, summary] of added) made.set(digest, summary);
  }
  return made;
}
