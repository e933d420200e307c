import type { DriftResult, Report } from '../../contracts/monitoring/report.ts';
import { driftWord, heldAgainst } from '../../contracts/monitoring/report.ts';
import type { Html } from '../html.ts';
import { html, number, percent } from '../html.ts';
import type { ReportDocument } from './report-document.ts';
import { pixel, scale, ticks } from './scale.ts';

/** Maximum number of reports, each a column of the heat map; the oldest are left out. */
const mostColumns = 36;
const [cell, labelWidth, headHeight] = [24, 150, 70];

/**
 * Renders a heat map of data columns against reports. The shade shows the drift statistic relative to its threshold.
 */
export function heatMapSection({ report, history }: ReportDocument): Html {
  const shown = history.slice(-mostColumns);
  const names = report.body.drift.map(keyOf);
  const width = labelWidth + shown.length * cell + 44;
  const height = headHeight + names.length * cell + 8;
  return html`<section id="heat-map">
    <h2>Drift by column and time</h2>
    <p class="none">
      Each column is a report. The colour of a cell compares its statistic with the threshold; a statistic that reaches
      the threshold is drift. Where chance alone can exceed the threshold, the value that chance can reach replaces it.
      A pale cell decides nothing: its column is excluded from drift, or has fewer values than monitor.minRows. A test
      with a p-value has only two colours: drift, or no drift.
    </p>
    <div class="scroll">
      <svg
        class="plot heat"
        viewBox="0 0 ${width} ${height}"
        width="${width}"
        role="img"
        aria-label="drift by column and time"
      >
        ${shown.map((past, at) => heading(past, labelWidth + at * cell))}
        ${report.body.drift.map((result, row) => heatRow(result, shown, headHeight + row * cell))}
      </svg>
    </div>
    <p class="legend">
      ${[0, 1, 2, 3, 4].map((level) => html`<svg width="14" height="14"><rect class="h${level}" width="14" height="14" /></svg> ${legends[level] ?? ''} `)}
    </p>
  </section>`;
}

const legends = [
  'below half the threshold',
  'below the threshold',
  'drift',
  'twice the threshold',
  'four times the threshold',
] as const;

function keyOf({ subject, column }: Pick<DriftResult, 'subject' | 'column'>): string {
  return `${subject} ${column}`;
}

function heading({ body }: Report, x: number): Html {
  const [at, y] = [x + cell / 2 + 4, headHeight - 6];
  return html`<text transform="rotate(-60 ${at} ${y})" x="${at}" y="${y}">${body.to.slice(0, 10)}</text>`;
}

function heatRow(result: DriftResult, shown: readonly Report[], y: number): Html {
  const key = keyOf(result);
  const name = result.subject === 'feature' ? result.column : `${result.column} (${result.subject})`;
  return html`<text x="${labelWidth - 8}" y="${y + 16}" text-anchor="end"
      >${name.slice(0, 24)}<title>${name}</title></text
    >
    ${shown.map(({ body }, at) => {
      const past = body.drift.find((other) => keyOf(other) === key);
      const told = past === undefined ? 'not tested' : `${past.test} ${number(past.statistic, 4)}`;
      const kind = past === undefined ? 'none' : `h${levelOf(past)}`;
      return html`<rect
        class="${kind} ${past?.excluded === true || past?.tooFew === true ? 'excluded' : ''}"
        x="${labelWidth + at * cell}"
        y="${y}"
        width="${cell - 2}"
        height="${cell - 2}"
        rx="3"
        ><title>${name}, to ${body.to.slice(0, 10)}: ${told}</title></rect
      >`;
    })}`;
}

function levelOf(result: DriftResult): number {
  const { pValue, drifted, statistic } = result;
  if (pValue !== null) return drifted ? 3 : 0;
  const share = statistic / heldAgainst(result);
  return [0.5, 1, 2, 4].filter((bound) => share >= bound).length;
}

const pointStyle = { excluded: 'muted', 'too few': 'muted', drifted: 'fail', steady: 'steady' } as const;

/** Plots each feature's drift against its permutation importance for the champion, to show which drift matters. */
export function importanceSection({ report }: ReportDocument): Html {
  const known = report.body.drift.flatMap((result) =>
    result.importance === undefined ? [] : [{ ...result, importance: result.importance }],
  );
  if (known.length === 0)
    return html`<section id="importance">
      <h2>Importance against drift</h2>
      <p class="none">The champion’s permutation importance is not known.</p>
    </section>`;
  const [width, height, left, bottom, top] = [640, 320, 60, 44, 12];
  const moved = known.map((result) => result.statistic / (result.pValue === null ? heldAgainst(result) : 1));
  const x = scale([0, Math.max(1.2, ...moved) * 1.1], [left, width - 90]);
  const y = scale([0, Math.max(...known.map(({ importance }) => importance)) * 1.1], [height - bottom, top]);
  const { weightedDrift } = report.body;
  return html`<section id="importance">
    <h2>Importance against drift</h2>
    <p class="none">
      Features to the right of the line have drifted; the higher a feature is, the more the champion depends on it.
      ${weightedDrift === undefined ? '' : `The mean drift of the features, weighted by importance, is ${number(weightedDrift, 3)} times the threshold.`}
    </p>
    <svg class="plot" viewBox="0 0 ${width} ${height}" role="img" aria-label="importance against drift">
      <line class="frame" x1="${left}" x2="${width - 90}" y1="${height - bottom}" y2="${height - bottom}" />
      <line class="frame" x1="${left}" x2="${left}" y1="${top}" y2="${height - bottom}" />
      <line class="zero" x1="${pixel(x(1))}" x2="${pixel(x(1))}" y1="${top}" y2="${height - bottom}" />
      ${ticks(0, Math.max(...known.map(({ importance }) => importance))).map(
        (tick) => html`<text x="${left - 6}" y="${pixel(y(tick) + 4)}" text-anchor="end">${percent(tick, 0)}</text>`,
      )}
      <text x="${pixel(x(1))}" y="${height - bottom + 16}" text-anchor="middle">threshold</text>
      <text x="${width - 90}" y="${height - 6}" text-anchor="end">statistic divided by threshold →</text>
      ${known.map((result, at) => {
        const [cx, cy] = [pixel(x(moved[at] ?? 0)), pixel(y(result.importance))];
        return html`<circle class="${pointStyle[driftWord(result)]}" cx="${cx}" cy="${cy}" r="5"
            ><title>
              ${result.column}: ${percent(result.importance, 1)} of the importance, ${result.test}
              ${number(result.statistic, 4)}
            </title></circle
          ><text x="${cx + 9}" y="${cy + 4}">${result.column.slice(0, 18)}</text>`;
      })}
    </svg>
  </section>`;
}
