import type { RowsCompared } from '../../../contracts/serving/approval-evidence.ts';
import type { DatasetVersion } from '../../../contracts/data/dataset-version.ts';
import type { RowDifference } from '../../../contracts/data/dataset-difference.ts';
import { stabilityIndexOf } from '../../../contracts/data/dataset-difference.ts';
import { PerennialError } from '../../../contracts/errors.ts';
import type { ActivityDependencies } from '../../activity-dependencies.ts';
import { fetchFiles, withWorkspace } from '../../steps/workspace.ts';

/** Bounds on the comparison of rows, because an approval request waits for it and a person reads the columns. */
export const comparisonLimits = { rows: 2_000_000, timeMs: 30_000, columns: 50 };

type Dataset = Pick<DatasetVersion, 'number' | 'manifest'>;
type Ground = Pick<ActivityDependencies, 'objectStore' | 'tableEngine' | 'scratchFolder'>;
/** Both are null if no row can differ. */
type Outcome =
  | { readonly compared: RowsCompared; readonly missing: null }
  | { readonly compared: null; readonly missing: string | null };

/** Returns a summary of `data diff` of two datasets, a few lines per column, or the reason why it is missing. */
export async function rowDifference(
  deps: Ground,
  before: Dataset | null,
  after: Dataset,
  limits: typeof comparisonLimits = comparisonLimits,
): Promise<Outcome> {
  if (before === null || sameParts(before, after)) return { compared: null, missing: null };
  const why = whyNot(before, after, limits);
  if (why !== null) return { compared: null, missing: missingFor(why, before, after) };
  try {
    return { compared: told(await compare(deps, before, after, limits), after, limits), missing: null };
  } catch (caught) {
    // A process that ran out of time or memory would do so again. The request goes on without this part.
    const isFinal = caught instanceof PerennialError && (!caught.retryable || caught.code === 'process-died');
    if (!isFinal) throw caught;
    return { compared: null, missing: missingFor(caught.message, before, after) };
  }
}

function sameParts(before: Dataset, after: Dataset): boolean {
  const digests = ({ manifest }: Dataset) => manifest.parts.map(({ sha256 }) => sha256).toSorted();
  return JSON.stringify(digests(before)) === JSON.stringify(digests(after));
}

function whyNot(before: Dataset, after: Dataset, limits: typeof comparisonLimits): string | null {
  const { key } = after.manifest;
  if (key === undefined) return 'without data.key, only whole rows can be compared';
  if (!before.manifest.columns.some(({ name }) => name === key))
    return `dataset ${before.number} has no column ${key}, which is now the key, so only whole rows can be compared`;
  const rows = before.manifest.rows + after.manifest.rows;
  return rows > limits.rows
    ? `the two datasets have ${rows} rows together, more than the limit of ${limits.rows} for an approval request`
    : null;
}

function missingFor(why: string, before: Dataset, after: Dataset): string {
  return `the comparison of the data row by row: ${why}; run perennial data diff ${before.number} ${after.number} to compare the datasets`;
}

async function compare(
  { objectStore, tableEngine, scratchFolder }: Ground,
  before: Dataset,
  after: Dataset,
  { timeMs }: typeof comparisonLimits,
): Promise<RowDifference> {
  return withWorkspace(scratchFolder, 'evidence-data', async (folder) => {
    // A part that both versions share is fetched once.
    const digests = [...new Set([...before.manifest.parts, ...after.manifest.parts].map(({ sha256 }) => sha256))];
    const paths = await fetchFiles(objectStore, digests, folder);
    const pathOf = new Map(digests.map((sha256, at) => [sha256, paths[at] ?? '']));
    const side = ({ manifest }: Dataset) => ({
      columns: manifest.columns,
      parts: manifest.parts.map(({ sha256 }) => ({ sha256, path: pathOf.get(sha256) ?? '' })),
    });
    const { key } = after.manifest;
    return tableEngine.compare({ before: side(before), after: side(after), key, timeLimitMs: timeMs });
  });
}

function told(found: RowDifference, after: Dataset, { columns: most }: typeof comparisonLimits): RowsCompared {
  const { rows, changedBy, shifts } = found;
  return {
    key: rows.changed === null ? null : (after.manifest.key ?? null),
    rows,
    changedBy: changedBy.toSorted((a, b) => b.rows - a.rows).slice(0, most),
    shifts: shifts
      .map(({ column, counts, nulls, mean, standardisedDifference }) => ({
        column,
        psi: stabilityIndexOf(counts),
        mean,
        standardisedDifference,
        nulls,
      }))
      .toSorted((a, b) => (b.psi ?? -1) - (a.psi ?? -1))
      .slice(0, most),
    columns: shifts.length,
  };
}
