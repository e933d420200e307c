import type { Distribution, DriftResult } from '../../contracts/monitoring/report.ts';
import { driftWord } from '../../contracts/monitoring/report.ts';
import type { Html } from '../html.ts';
import { html, number, percent } from '../html.ts';
import type { ReportDocument } from './report-document.ts';
import { pixel } from './scale.ts';

const [width, height, bottom, top] = [300, 150, 30, 6];

/** Renders one small plot per column, with the distributions of the reference and the window on top of each other. */
export function distributionSection({ report }: ReportDocument): Html {
  const plots = report.body.drift.flatMap((result) =>
    result.distribution === undefined ? [] : [plotOf(result, result.distribution)],
  );
  return html`<section id="distributions">
    <h2>Distributions</h2>
    ${
      plots.length === 0
        ? html`<p class="none">
            This report was made by an earlier version of Perennial, which did not keep distributions.
          </p>`
        : html`<p class="none">
              Shares of rows: <span class="key reference">■</span> the reference,
              <span class="key current">■</span> this window. Numbers are binned by the deciles of the reference; a
              value in more than a tenth of the rows has a bin of its own.
            </p>
            <div class="multiples">${plots}</div>`
    }
  </section>`;
}

const verdictStyle = { excluded: '', 'too few': '', drifted: 'fail', steady: 'pass' } as const;

function plotOf(result: DriftResult, distribution: Distribution): Html {
  const { column, subject } = result;
  const reference = sharesOf(distribution.reference);
  const current = sharesOf(distribution.current);
  const most = Math.max(...reference, ...current, 0.01);
  const slot = width / reference.length;
  const bar = Math.min(slot * 0.42, 26);
  const y = (share: number): number => top + (1 - share / most) * (height - bottom - top);
  const names = namesOf(distribution);
  const verdict = driftWord(result);
  return html`<figure>
    <figcaption>
      <strong>${column}</strong>${subject === 'feature' ? '' : ` (${subject})`}
      <span class="verdict ${verdictStyle[verdict]}">${verdict}</span>
      <span class="none">${testOf(result)}</span>
    </figcaption>
    <svg class="plot" viewBox="0 0 ${width} ${height}" role="img" aria-label="distribution of ${column}">
      ${reference.map((share, at) => {
        const middle = slot * (at + 0.5);
        const now = current[at] ?? 0;
        return html`<g
          ><title>${names[at] ?? ''}: reference ${percent(share, 1)}, window ${percent(now, 1)}</title
          ><rect
            class="reference"
            x="${pixel(middle - bar)}"
            y="${pixel(y(share))}"
            width="${pixel(bar)}"
            height="${pixel(height - bottom - y(share))}" /><rect
            class="current"
            x="${pixel(middle)}"
            y="${pixel(y(now))}"
            width="${pixel(bar)}"
            height="${pixel(height - bottom - y(now))}"
        /></g>`;
      })}
      <line class="frame" x1="0" x2="${width}" y1="${height - bottom}" y2="${height - bottom}" />
      ${axisOf(distribution, slot)}
    </svg>
  </figure>`;
}

/** Returns the drift statistic with its p-value or threshold. */
function testOf({ test, statistic, pValue, threshold, critical }: DriftResult): string {
  const told = `${test} ${number(statistic, 3)}`;
  if (pValue !== null) return `${told}, p ${number(pValue, 2)}`;
  const chance = critical === undefined ? '' : `, by chance up to ${number(critical, 3)}`;
  return `${told}, threshold ${number(threshold, 3)}${chance}`;
}

function sharesOf(counts: readonly number[]): number[] {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return counts.map((count) => (total === 0 ? 0 : count / total));
}

function namesOf({ edges, categories }: Distribution): string[] {
  if (categories !== null) return [...categories];
  const bounds = edges ?? [];
  return Array.from({ length: bounds.length + 1 }, (_, at) => nameOfBin(bounds, at));
}

/** Names a bin. An edge that occurs twice encloses a bin of that single value. */
function nameOfBin(edges: readonly number[], at: number): string {
  const [low, high] = [edges[at - 1], edges[at]];
  if (low === undefined) return high === undefined ? 'all values' : `below ${number(high, 4)}`;
  if (low === high) return number(low, 4);
  const past = low === edges[at - 2];
  if (high === undefined) return past ? `above ${number(low, 4)}` : `${number(low, 4)} and above`;
  return `${past ? 'above ' : ''}${number(low, 4)} to ${number(high, 4)}`;
}

/** Draws the axis labels: edges between bins, categories below theirs. Labels that would overlap are left out. */
function axisOf({ edges, categories }: Distribution, slot: number): Html {
  const labels =
    categories === null
      ? (edges ?? []).map((edge, at) => ({ x: slot * (at + 1), text: number(edge, 3) }))
      : categories.map((category, at) => ({ x: slot * (at + 0.5), text: category.slice(0, 10) }));
  const longest = Math.max(1, ...labels.map(({ text }) => text.length));
  const every = Math.max(1, Math.ceil((longest * 6.6 + 6) / slot));
  return html`${labels
    .filter((_, at) => at % every === 0)
    .map(
      ({ x, text }) => html`<text x="${pixel(x)}" y="${height - bottom + 15}" text-anchor="middle">${text}</text>`,
    )}`;
}
