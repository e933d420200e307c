/** Lines around a change that are shown with it. */
const around = 3;
/** Beyond this many pairs of lines the longest common sequence is not looked for: all is shown as replaced. */
const mostPairs = 4_000_000;

type Edit = readonly [' ' | '-' | '+', string];

/** What changes between two texts, as the hunks of a unified diff; empty if nothing does. */
export function lineDifference(before: string, after: string): string[] {
  const edits = editsBetween(linesOf(before), linesOf(after));
  const changed = edits.flatMap(([kind], at) => (kind === ' ' ? [] : [at]));
  const lines: string[] = [];
  for (let at = 0; at < changed.length;) {
    const from = Math.max(0, (changed[at] ?? 0) - around);
    // Changes that are close enough share a hunk.
    while (at + 1 < changed.length && (changed[at + 1] ?? 0) - (changed[at] ?? 0) <= 2 * around) at += 1;
    const to = Math.min(edits.length, (changed[at] ?? 0) + around + 1);
    lines.push(hunkHeader(edits, from, to), ...edits.slice(from, to).map(([kind, line]) => kind + line));
    at += 1;
  }
  return lines;
}

function linesOf(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

function hunkHeader(edits: readonly Edit[], from: number, to: number): string {
  const count = (without: '-' | '+', some: readonly Edit[]) => some.filter(([kind]) => kind !== without).length;
  const earlier = edits.slice(0, from);
  const hunk = edits.slice(from, to);
  return `@@ -${count('+', earlier) + 1},${count('+', hunk)} +${count('-', earlier) + 1},${count('-', hunk)} @@`;
}

function editsBetween(before: readonly string[], after: readonly string[]): Edit[] {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head += 1;
  let tail = 0;
  const shorter = Math.min(before.length, after.length) - head;
  while (tail < shorter && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail += 1;
  const same = (lines: readonly string[]) => lines.map((line): Edit => [' ', line]);
  return [
    ...same(before.slice(0, head)),
    ...middleEdits(before.slice(head, before.length - tail), after.slice(head, after.length - tail)),
    ...same(before.slice(before.length - tail)),
  ];
}

/** By the longest common subsequence, as every textbook has it. */
function middleEdits(before: readonly string[], after: readonly string[]): Edit[] {
  if (before.length * after.length > mostPairs)
    return [...before.map((line): Edit => ['-', line]), ...after.map((line): Edit => ['+', line])];
  const width = after.length + 1;
  const longest = new Uint32Array((before.length + 1) * width);
  const at = (row: number, column: number) => longest[row * width + column] ?? 0;
  for (let row = before.length - 1; row >= 0; row -= 1)
    for (let column = after.length - 1; column >= 0; column -= 1)
      longest[row * width + column] =
        before[row] === after[column]
          ? at(row + 1, column + 1) + 1
          : Math.max(at(row + 1, column), at(row, column + 1));
  const edits: Edit[] = [];
  let row = 0;
  let column = 0;
  while (row < before.length || column < after.length) {
    const old = before[row];
    const fresh = after[column];
    if (old !== undefined && old === fresh) {
      edits.push([' ', old]);
      row += 1;
      column += 1;
    } else if (old !== undefined && (fresh === undefined || at(row + 1, column) >= at(row, column + 1))) {
      edits.push(['-', old]);
      row += 1;
    } else if (fresh !== undefined) {
      edits.push(['+', fresh]);
      column += 1;
    }
  }
  return edits;
}
