import type { RecordedComparison } from './recorded-measures.ts';

interface Bar {
  readonly name: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

const [width, barHeight, rowHeight, left, right, top] = [720, 18, 30, 190, 150, 34];

/** Draws a bar for the median of each contestant, with a line from its minimum to its maximum. */
export function comparisonChart({ name, unit, samples }: RecordedComparison): string {
  const bars = Object.entries(samples).map(([contestant, rounds]) => barOf(contestant, rounds));
  const greatest = Math.max(...bars.map(({ max }) => max), Number.MIN_VALUE);
  const x = (value: number): number => Math.round(left + (value / greatest) * (width - left - right));
  const height = top + bars.length * rowHeight + 8;
  const rows = bars.map((bar, at) => drawn(bar, top + at * rowHeight, x));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(name)}">`,
    '<style>text{font:13px sans-serif;fill:#24292f}.b{fill:#4c8dd6}.o{fill:#d9822b}.w{stroke:#24292f;stroke-width:1.5}@media(prefers-color-scheme:dark){text{fill:#e6edf3}.w{stroke:#e6edf3}}</style>',
    `<text x="8" y="20" font-weight="bold">${escaped(`${name} (${unit})`)}</text>`,
    ...rows,
    '</svg>',
    '',
  ].join('\n');
}

function barOf(name: string, rounds: RecordedComparison['samples'][string]): Bar {
  const values = rounds.map(({ value }) => value);
  return { name, median: medianOfRounds(values), min: Math.min(...values), max: Math.max(...values) };
}

function drawn({ name, median, min, max }: Bar, y: number, x: (value: number) => number): string {
  const middle = y + barHeight / 2;
  const kind = /^(floor|bare|Evidently|MLServer|beside)/i.test(name) ? 'o' : 'b';
  return [
    `<text x="${left - 8}" y="${middle + 5}" text-anchor="end">${escaped(name)}</text>`,
    `<rect class="${kind}" x="${left}" y="${y}" width="${Math.max(1, x(median) - left)}" height="${barHeight}"/>`,
    `<line class="w" x1="${x(min)}" x2="${x(max)}" y1="${middle}" y2="${middle}"/>`,
    `<text x="${Math.max(x(max), x(median)) + 8}" y="${middle + 5}">${inDigits(median)}</text>`,
  ].join('');
}

/** The middle value; of an even number of values, the mean of the two in the middle. */
export function medianOfRounds(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}

/** Three significant digits; whole numbers from 100 on. */
export function inDigits(value: number): string {
  return Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)));
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
