import { OMIT_HEADERS, structuredPatch, formatPatch } from 'diff';

/** Lines around a change that are shown with it. */
const context = 3;

/** What changes between two texts, as the hunks of a unified diff: empty if nothing does, null if it takes more lines. */
export function lineDifference(before: string, after: string, linesAtMost: number): string[] | null {
  // The bound also ends the search: texts with nothing in common would take minutes.
  const patch = structuredPatch('', '', before, after, '', '', { context, maxEditLength: linesAtMost });
  if (patch === undefined) return null;
  if (patch.hunks.length === 0) return [];
  const lines = formatPatch(patch, OMIT_HEADERS).split('\n').slice(0, -1);
  return lines.length > linesAtMost ? null : lines;
}
