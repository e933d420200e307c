import type { LabelDelay, Report } from '../../contracts/monitoring/report.ts';
import type { Html } from '../html.ts';
import { html, number, percent, short, table, time } from '../html.ts';
import type { ReportDocument } from './report-document.ts';
import { pixel } from './scale.ts';

export function findingsSection({ report: { body } }: ReportDocument): Html {
  const rows = body.findings.map(({ kind, subject, state, value, threshold, since, clearSince }) => [
    html`<span class="verdict ${state === 'closed' ? 'pass' : 'fail'}">${state}</span>`,
    kind,
    subject,
    number(value, 4),
    number(threshold, 4),
    time(since),
    clearSince === undefined
      ? ''
      : `clear in the window until ${time(clearSince)}${state === 'open' ? '; a second clear window closes the finding' : ''}`,
  ]);
  return html`<section id="findings">
    <h2>Findings</h2>
    ${table(['state', 'kind', 'subject', 'value', 'threshold', 'since', ''], rows, 'Nothing was found, and no finding is open.')}
    ${body.triggers.length === 0 ? html`` : html`<p>Triggers: ${body.triggers.join(', ')}.</p>`}
  </section>`;
}

export function qualitySection({ report: { body } }: ReportDocument): Html {
  const rows = (body.quality ?? [])
    .filter(({ value, breached }) => value > 0 || breached)
    .toSorted((a, b) => Number(b.breached) - Number(a.breached) || b.value - a.value)
    .map(({ column, kind, value, threshold, breached, detail }) => [
      column,
      kind,
      html`<span class="${breached ? 'fail' : ''}">${percent(value)}</span>`,
      threshold === null ? 'reported only' : percent(threshold),
      detail,
    ]);
  return html`<section id="quality">
    <h2>Quality of values</h2>
    ${table(['column', 'kind', 'share', 'threshold of a finding', ''], rows, 'No column has new categories, values outside the range of the reference, or a larger share of missing values than the reference.')}
  </section>`;
}

export function labelsSection({ report: { body } }: ReportDocument): Html {
  const { labelDelay, labelled, predictions } = body;
  const share = predictions === 0 ? null : labelled / predictions;
  return html`<section id="labels">
    <h2>Labels</h2>
    <p>${number(labelled)} of ${number(predictions)} predictions are labelled (${percent(share, 1)}).</p>
    ${labelDelay === null || labelDelay === undefined ? html`` : delays(labelDelay)}
  </section>`;
}

function delays({ histogram, p50Ms, p90Ms, maxMs, rows }: LabelDelay): Html {
  return html`<p class="none">
      Half of the labels came within ${lasting(p50Ms)} of their predictions, nine of ten within ${lasting(p90Ms)}, and
      the last after ${lasting(maxMs)}.
    </p>
    ${bars(
      histogram.map(({ withinMs, rows: some }) => ({
        name: withinMs === null ? 'later' : `≤ ${lasting(withinMs)}`,
        share: rows === 0 ? 0 : some / rows,
        told: number(some),
      })),
      'delay of labels',
    )}`;
}

export function trafficSection({ report: { body } }: ReportDocument): Html {
  const { traffic, volume } = body;
  const most = Math.max(1, ...(volume ?? []));
  return html`<section id="traffic">
    <h2>Volume, errors, latency</h2>
    ${traffic === undefined ? html`<p class="none">This report was made by an earlier version of Perennial, which did not keep these counts.</p>` : counts(traffic)}
    ${
      volume === undefined
        ? html``
        : html`<h3>Predictions over time, ${time(body.from)} to ${time(body.to)}</h3>
            ${bars(
              volume.map((rows) => ({ name: '', share: rows / most, told: number(rows) })),
              'predictions over the window',
            )}`
    }
    <h3>Predictions by release</h3>
    ${table(
      ['release', 'version', 'predictions'],
      body.releases.map(({ release, modelVersion, predictions }) => [
        short(release),
        modelVersion,
        number(predictions),
      ]),
      'There are no predictions.',
    )}
  </section>`;
}

function counts({ since, requests, errors, latency }: NonNullable<Report['body']['traffic']>): Html {
  const share = requests === 0 ? null : errors / requests;
  const rows = [
    ['requests', number(requests)],
    ['errors', `${number(errors)} (${percent(share)})`],
    [
      'latency p50, p95, p99',
      latency === null ? '–' : `${ms(latency.p50Ms)}, ${ms(latency.p95Ms)}, ${ms(latency.p99Ms)}`,
    ],
  ];
  const span = since === null ? 'since the beginning' : `since the report of ${time(since)}`;
  return html`<p class="none">Counted by the gateways ${span}.</p>
    ${table(['', ''], rows, '')}`;
}

function ms(value: number): string {
  return `${number(value, 3)} ms`;
}

interface Bar {
  readonly name: string;
  readonly share: number;
  readonly told: string;
}

function bars(all: readonly Bar[], label: string): Html {
  const [width, height, foot] = [960, 120, 26];
  const slot = width / all.length;
  const most = Math.max(0.01, ...all.map(({ share }) => share));
  return html`<svg class="plot wide" viewBox="0 0 ${width} ${height}" role="img" aria-label="${label}">
    ${all.map(({ name, share, told }, at) => {
      const tall = (share / most) * (height - foot - 4);
      return html`<rect
          class="current"
          x="${pixel(at * slot + 2)}"
          y="${pixel(height - foot - tall)}"
          width="${pixel(slot - 4)}"
          height="${pixel(tall)}"
          ><title>${name} ${told}</title></rect
        ><text x="${pixel((at + 0.5) * slot)}" y="${height - 8}" text-anchor="middle">${name}</text>`;
    })}
  </svg>`;
}

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const;

/** Formats a duration in the largest unit that fits. */
function lasting(milliseconds: number): string {
  const [unit, size] = units.find(([, of]) => milliseconds >= of) ?? ['ms', 1];
  return `${number(milliseconds / size, 3)} ${unit}`;
}
