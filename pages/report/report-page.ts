import type { MetricName } from '../../contracts/models/metrics.ts';
import { metricOf } from '../../contracts/models/metrics.ts';
import type { Html } from '../html.ts';
import { Html as RawHtml, html, number, percent, time } from '../html.ts';
import { pageStyle } from '../page-style.ts';
import { distributionSection } from './distribution-section.ts';
import { heatMapSection, importanceSection } from './drift-sections.ts';
import { estimateOf, performanceSection } from './performance-section.ts';
import type { ReportDocument } from './report-document.ts';
import { reportStyle } from './report-style.ts';
import { findingsSection, labelsSection, qualitySection, trafficSection } from './service-sections.ts';

/**
 * Returns a Content-Security-Policy that allows no external resources, no scripts, and only the styles with the nonce.
 */
export function reportPolicy(nonce: string): string {
  return `default-src 'none'; style-src 'nonce-${nonce}'; form-action 'none'; base-uri 'none'`;
}

const sections: readonly ((document: ReportDocument) => Html)[] = [
  findingsSection,
  performanceSection,
  heatMapSection,
  importanceSection,
  distributionSection,
  qualitySection,
  labelsSection,
  trafficSection,
];

/**
 * Renders a report as one self-contained page, which also works when saved to a file. `nonce` must be new for each
 * response.
 */
export function reportPage(document: ReportDocument, nonce: string): string {
  const { to } = document.report.body;
  const title = titleOf(document.report.body);
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="content-security-policy" content="${reportPolicy(nonce)}" />
        <meta name="referrer" content="no-referrer" />
        <title>${title}: report to ${to.slice(0, 10)}</title>
        <style nonce="${nonce}">
          ${new RawHtml(pageStyle + reportStyle)}
        </style>
      </head>
      <body>
        <main>${header(document)}${sections.map((section) => section(document))}</main>
      </body>
    </html>`;
  return page.text;
}

function header({ report, metric, served }: ReportDocument): Html {
  const { id, body } = report;
  const open = body.findings.filter(({ state }) => state !== 'closed').length;
  const deciding = body.drift.filter(
    ({ subject, excluded, tooFew }) => subject === 'feature' && !excluded && tooFew !== true,
  );
  const drifted = deciding.filter((result) => result.drifted).length;
  const errors =
    body.traffic === undefined || body.traffic.requests === 0 ? null : body.traffic.errors / body.traffic.requests;
  const tiles: readonly (readonly [string, string, string])[] = [
    ['open findings', number(open), open > 0 ? 'fail' : 'pass'],
    ['features drifted', `${drifted} of ${deciding.length}`, ''],
    performanceTile(body, metric),
    ['predictions', number(body.predictions), ''],
    ['labelled', percent(body.predictions === 0 ? null : body.labelled / body.predictions, 0), ''],
    ['errors', percent(errors), ''],
  ];
  return html`<header>
    <p class="none">monitoring report ${id}</p>
    <h1>${titleOf(body)}</h1>
    <p>${time(body.from)} to ${time(body.to)}, compared with ${reference(body)}.</p>
    ${body.referenceNote === undefined ? html`` : html`<p class="note">${body.referenceNote}.</p>`}
    ${body.sufficient ? html`` : html`<p class="note">The window has fewer rows than monitor.minRows, so this report decides nothing.</p>`}
    ${refusedNote(served)}
    ${body.dropped === 0 ? html`` : html`<p class="note">${number(body.dropped)} predictions were not logged, because the log was full.</p>`}
    <div class="tiles">
      ${tiles.map(([name, value, kind]) => html`<div class="tile"><b class="${kind}">${value}</b><span>${name}</span></div>`)}
    </div>
  </header>`;
}

/**
 * Mentions a rehearsal's refused rows, which no other number of the report includes, because a refused row is not
 * logged.
 */
function refusedNote({ refusedRows }: NonNullable<ReportDocument['served']> = {}): Html {
  if (refusedRows === undefined) return html``;
  const features = refusedRows.features
    .map(({ name, rows: some }) => `${JSON.stringify(name)} (${number(some)})`)
    .join(', ');
  const rows = number(refusedRows.rows);
  return html`<p class="note">
    The gateway refused ${rows} rows of this period because of missing or invalid values, by feature: ${features}.
  </p>`;
}

/** Shows the metric as measured from labels, or its estimate until labels have arrived. */
function performanceTile(
  body: ReportDocument['report']['body'],
  metric: MetricName,
): readonly [string, string, string] {
  const measured = body.performance === null ? null : metricOf(body.performance, metric);
  const estimated = estimateOf(body, metric);
  if (measured !== null || estimated === undefined) return [`${metric}, measured`, number(measured, 4), ''];
  return [`${metric}, estimated`, number(estimated.value, 4), ''];
}

function titleOf({ model, environment }: ReportDocument['report']['body']): string {
  return `${model} in ${environment}`;
}

function reference({ reference: kind, referenceWindow }: ReportDocument['report']['body']): string {
  if (referenceWindow === undefined) return 'the rows that the champion was trained on';
  const { from, to, rows } = referenceWindow;
  const name = kind === 'previous' ? 'the previous window' : 'the same window a year ago';
  return `${name} (${number(rows)} rows served from ${time(from)} to ${time(to)})`;
}
