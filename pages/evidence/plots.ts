import type { Evidence } from '../../contracts/serving/approval-evidence.ts';
import type { Html } from '../html.ts';
import { html, percent } from '../html.ts';

const width = 640;

/** Plots the gain with its confidence interval, and the position of no gain. */
export function intervalPlot(gain: number, { low, high }: { readonly low: number; readonly high: number }): Html {
  const from = Math.min(low, 0);
  const to = Math.max(high, 0);
  const pad = (to - from || 0.01) * 0.15;
  const x = (value: number) => (((value - from + pad) / (to - from + 2 * pad)) * width).toFixed(1);
  const side = low > 0 ? 'pass' : high < 0 ? 'fail' : 'unsure';
  return html`<svg
    class="plot"
    viewBox="0 0 ${width} 64"
    role="img"
    aria-label="gain ${percent(gain)}, from ${percent(low)} to ${percent(high)}"
  >
    <line class="zero" x1="${x(0)}" x2="${x(0)}" y1="6" y2="46" />
    <text x="${x(0)}" y="60" text-anchor="middle">no gain</text>
    <line class="interval ${side}" x1="${x(low)}" x2="${x(high)}" y1="26" y2="26" />
    <circle class="${side}" cx="${x(gain)}" cy="26" r="7" />
  </svg>`;
}

/** Plots predicted against observed shares. A perfectly calibrated model lies on the diagonal. */
export function calibrationPlot({ challenger, champion }: NonNullable<Evidence['calibration']>): Html {
  const side = 280;
  const place = (share: number) => (share * side).toFixed(1);
  const line = (bins: typeof challenger, name: string) =>
    html`<polyline
      class="${name}"
      points="${bins.map(({ predicted, observed }) => `${place(predicted)},${place(1 - observed)}`).join(' ')}"
    />`;
  const dots = challenger.map(
    ({ predicted, observed, rows }) =>
      html`<circle class="challenger" cx="${place(predicted)}" cy="${place(1 - observed)}" r="4"
        ><title>${rows} rows</title></circle
      >`,
  );
  return html`<svg
      class="plot square"
      viewBox="-6 -6 ${side + 12} ${side + 12}"
      role="img"
      aria-label="calibration curve"
    >
      <rect class="frame" x="0" y="0" width="${side}" height="${side}" />
      <line class="zero" x1="0" y1="${side}" x2="${side}" y2="0" />
      ${champion === null ? '' : line(champion, 'champion')}${line(challenger, 'challenger')}${dots}
    </svg>
    <p class="none">${champion === null ? '' : 'Dashed: the champion. '}Filled: the challenger.</p>`;
}
