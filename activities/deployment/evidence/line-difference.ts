import { OMIT_HEADERS, structuredPatch, formatPatch } from 'diff';

/** Number of unchanged lines shown around each change. */
const context = 3;

/**
 * Returns the difference of two texts as the hunks of a unified diff: empty if there is none, null if it exceeds
 * `linesAtMost` lines.
 */
export function lineDifference(before: string, after: string, linesAtMost: number): string[] | null {
  // The bound also stops the search: comparing texts that have nothing in common would take minutes.
  const patch = structuredPatch('', '', before, after, '', '', { context, maxEditLength: linesAtMost });
  if (patch === undefined) return null;
  if (patch.hunks.length === 0) return [];
  const lines = formatPatch(patch, OMIT_HEADERS).split('\n').slice(0, -1);
  return lines.length > linesAtMost ? null : lines;
}
