import type { MetricName, Metrics } from '../../contracts/models/metrics.ts';
import { metricNames, metricOf } from '../../contracts/models/metrics.ts';
import type { Report } from '../../contracts/monitoring/report.ts';
import { leftOutWords } from '../../contracts/monitoring/report.ts';
import type { Html } from '../html.ts';
import { html, number, table, time } from '../html.ts';
import type { ReportDocument } from './report-document.ts';
import { pixel, scale, ticks } from './scale.ts';

const [width, height, left, right, top, bottom] = [960, 260, 64, 16, 28, 34];

interface Point {
  readonly at: number;
  readonly value: number;
  /** One standard error. */
  readonly samplingError?: number;
}

export function performanceSection({ report, history, generations, metric }: ReportDocument): Html {
  const measured = pointsOf(history, (body) => {
    const value = body.performance === null ? null : metricOf(body.performance, metric);
    return value === null ? undefined : { value };
  });
  const estimated = pointsOf(history, (body) => estimateOf(body, metric));
  const promoted = generations
    .filter(({ change }) => change === 'first' || change === 'promote' || change === 'rollback')
    .map(({ effectiveAt, change, slots }) => ({
      at: Date.parse(effectiveAt),
      label: `${change === 'rollback' ? '↩ ' : ''}v${slots.find(({ role }) => role === 'champion')?.modelVersionNumber ?? '–'}`,
    }));
  const chart =
    measured.length + estimated.length === 0
      ? html`<p class="none">No labels have arrived, and nothing was estimated.</p>`
      : lines(measured, estimated, promoted);
  return html`<section id="performance">
    <h2>Performance over time</h2>
    <p class="none">
      ${metric} of each window, drawn at the end of the window. Solid line: measured with labels. Dashed line: estimated
      without labels, with one standard error up and down. Vertical lines: a release became champion.
    </p>
    ${chart} ${numbers(report, metric)}
  </section>`;
}

function pointsOf(history: readonly Report[], read: (body: Report['body']) => Omit<Point, 'at'> | undefined): Point[] {
  return history.flatMap(({ body }) => {
    const found = read(body);
    return found === undefined || !Number.isFinite(found.value) ? [] : [{ ...found, at: Date.parse(body.to) }];
  });
}

export function estimateOf({ estimate }: Report['body'], metric: string) {
  return estimate?.metrics.find(({ name }) => name === metric);
}

function lines(
  measured: readonly Point[],
  estimated: readonly Point[],
  promoted: readonly { readonly at: number; readonly label: string }[],
): Html {
  const all = [...measured, ...estimated];
  const times = all.map(({ at }) => at);
  const values = all.flatMap(({ value, samplingError = 0 }) => [value - samplingError, value + samplingError]);
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const [low, high] = [Math.min(0, ...values), Math.max(...values) * 1.08];
  const x = scale([first, last], [left, width - right]);
  const y = scale([low, high === low ? low + 1 : high], [height - bottom, top]);
  const shown = promoted.filter(({ at }) => at >= first && at <= last);
  return html`<svg class="plot wide" viewBox="0 0 ${width} ${height}" role="img" aria-label="performance over time">
    ${ticks(low, high).map(
      (tick) =>
        html`<line class="grid" x1="${left}" x2="${width - right}" y1="${pixel(y(tick))}" y2="${pixel(y(tick))}" /><text
            x="${left - 8}"
            y="${pixel(y(tick) + 4)}"
            text-anchor="end"
            >${number(tick)}</text
          >`,
    )}
    ${dateTicks(first, last).map(
      (tick) =>
        html`<text x="${pixel(x(tick))}" y="${height - 10}" text-anchor="middle"
          >${new Date(tick).toISOString().slice(0, 10)}</text
        >`,
    )}
    ${shown.map(
      ({ at, label }, place) =>
        html`<line
            class="promotion"
            x1="${pixel(x(at))}"
            x2="${pixel(x(at))}"
            y1="${top}"
            y2="${height - bottom}"
          /><text class="promotion" x="${pixel(x(at))}" y="${place % 2 === 0 ? 12 : 24}" text-anchor="middle"
            >${label}</text
          >`,
    )}
    ${line(measured, x, y, 'measured')} ${line(estimated, x, y, 'estimated')}
  </svg>`;
}

type Scale = (value: number) => number;

function line(points: readonly Point[], x: Scale, y: Scale, name: string): Html {
  if (points.length === 0) return html``;
  const path = points.map(({ at, value }) => `${pixel(x(at))},${pixel(y(value))}`).join(' ');
  return html`<polyline class="${name}" points="${path}" />${points.map(({ at, value, samplingError }) => {
      const give = samplingError === undefined ? '' : ` ± ${number(samplingError, 3)}`;
      return html`${bar({ at, value, samplingError }, x, y, name)}<circle
          class="${name}"
          cx="${pixel(x(at))}"
          cy="${pixel(y(value))}"
          r="3.5"
          ><title>${name}: ${number(value, 5)}${give} at ${new Date(at).toISOString()}</title></circle
        >`;
    })}`;
}

function bar({ at, value, samplingError }: Point, x: Scale, y: Scale, name: string): Html {
  if (samplingError === undefined) return html``;
  const [low, high] = [pixel(y(value - samplingError)), pixel(y(value + samplingError))];
  return html`<line class="${name}" x1="${pixel(x(at))}" x2="${pixel(x(at))}" y1="${low}" y2="${high}" />`;
}

function dateTicks(first: number, last: number): number[] {
  if (first === last) return [first];
  return Array.from({ length: 5 }, (_, at) => first + ((last - first) * (at + 0.5)) / 5);
}

/** Returns the metrics alone. Counts and thresholds in the same object are not metrics. */
function metricsIn(performance: Metrics): ReadonlyMap<string, number> {
  const told = metricNames[performance.task].map((name) => [name, metricOf(performance, name)] as const);
  return new Map(told.flatMap(([name, value]) => (value === null ? [] : [[name, value]])));
}

function numbers({ body }: Report, configured: MetricName): Html {
  const { performance, estimate } = body;
  const known = performance === null ? new Map<string, number>() : metricsIn(performance);
  const every = [...known.keys(), ...(estimate?.metrics ?? []).map(({ name }) => name)];
  const names = [...new Set(every.includes(configured) ? [configured, ...every] : every)];
  const rows = names.map((name) => {
    const guess = estimate?.metrics.find((metric) => metric.name === name);
    return [
      name,
      number(known.get(name), 5),
      guess === undefined ? '–' : `${number(guess.value, 5)} ± ${number(guess.samplingError, 3)}`,
    ];
  });
  const how =
    estimate === null || estimate === undefined
      ? html``
      : html`<p class="none">
          Estimated without labels with
          ${estimate.method === 'cbpe' ? 'confidence-based performance estimation (CBPE)' : 'direct loss estimation (DLE)'}
          over ${number(estimate.rows)} rows, based on ${number(estimate.referenceRows)} rows of the holdout; ± is one
          standard error of a sample of this size.
        </p>`;
  const leftOut = (body.leftOut ?? []).map((entry) => html`<p class="none">${leftOutWords(entry)}.</p>`);
  return html`<h3>In this window, until ${time(body.to)}</h3>
    ${table(['metric', 'measured', 'estimated'], rows, 'Nothing was measured.')} ${leftOut} ${how}`;
}
