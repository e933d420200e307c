import { afterAll, beforeAll, expect, test } from 'vitest';
import { reportPage } from '../../pages/report/report-page.ts';
import type { Report, ReportBody } from '../../contracts/monitoring/report.ts';
import type { TestApi } from '../support/api.ts';
import { applyBike, startTestApi } from '../support/api.ts';
import { beginRun, seedVersion } from '../support/seed-candidate.ts';

const hostile = `<img src=x onerror="alert(1)">'`;

const drift: ReportBody['drift'] = [
  {
    column: hostile,
    subject: 'feature',
    test: 'psi',
    statistic: 0.5,
    pValue: null,
    effect: null,
    threshold: 0.2,
    critical: 0.375,
    drifted: true,
    excluded: false,
    referenceRows: 10,
    currentRows: 10,
    importance: 0.7,
    distribution: { edges: null, categories: [hostile, 'b'], reference: [5, 5], current: [9, 1] },
  },
  {
    column: 'temp',
    subject: 'target',
    test: 'ks',
    statistic: 0.5,
    pValue: 0.01,
    threshold: 0.05,
    drifted: true,
    excluded: false,
    referenceRows: 10,
    currentRows: 10,
    distribution: { edges: [1, 2, 2], categories: null, reference: [1, 2, 3, 4], current: [3, 2, 1, 0] },
  },
];

function bodyOf(to: string): Omit<ReportBody, 'findings' | 'triggers'> {
  return {
    schemaVersion: 1,
    model: 'bike',
    environment: 'production',
    from: '2012-01-01T00:00:00.000Z',
    to,
    reference: 'training',
    referenceNote: `too little ${hostile}`,
    predictions: 10,
    labelled: 5,
    leftOut: [{ reason: 'label-unmeasurable', rows: 1, examples: [{ id: hostile, value: '1e+300' }] }],
    dropped: 1,
    sufficient: true,
    releases: [],
    drift,
    quality: [
      { column: 'temp', kind: 'new-category', value: 0.4, threshold: 0.1, breached: true, detail: `new: ${hostile}` },
    ],
    performance: null,
    labelDelay: { rows: 5, p50Ms: 1_000, p90Ms: 86_400_000, maxMs: 1e9, histogram: [{ withinMs: 1_000, rows: 5 }] },
    estimate: { method: 'dle', rows: 10, referenceRows: 300, metrics: [{ name: 'rmse', value: 90, samplingError: 4 }] },
    traffic: {
      since: null,
      requests: 10,
      errors: 1,
      latency: { p50Ms: 1, p95Ms: 2, p99Ms: 3 },
      totals: { requests: 10, errors: 1, latency: [10] },
    },
    volume: [1, 2, 3],
  };
}

let api: TestApi;
let reports: Report[];
const page = (id: string) => `GET /v1/models/bike/reports/${id}/page.html`;

beforeAll(async () => {
  api = await startTestApi();
  const scope = await applyBike(api);
  const { operator: by } = api.principals;
  expect((await api.send('viewer', page('latest'))).status).toBe(404);
  const { version, evaluation } = await seedVersion(api.repositories, scope, by, { seed: 1 });
  expect(version.id).toBe(evaluation.modelVersionId);
  const deploy = { kind: 'deploy', schemaVersion: 1, evaluationId: evaluation.id, automated: false } as const;
  const deployId = await beginRun(api.repositories, scope, deploy, by);
  const release = await api.repositories.deployments.makeRelease(scope, evaluation.id, { runId: deployId, by });
  reports = [];
  for (const to of ['2012-02-01T00:00:00.000Z', '2012-03-01T00:00:00.000Z']) {
    const monitor = { kind: 'monitor', schemaVersion: 1, asOf: to } as const;
    const runId = await beginRun(api.repositories, scope, monitor, by);
    reports.push(
      await api.repositories.monitoring.commitReport(
        scope,
        bodyOf(to),
        [{ kind: 'drift', subject: hostile, value: 0.5, threshold: 0.2, breached: true }],
        { runId, championReleaseId: release.id, triggerOn: [], by },
      ),
    );
  }
});
afterAll(() => api.stop());

test('a report is a single page that loads nothing, runs nothing and must not be cached', async () => {
  const { status, headers, text } = await api.send('viewer', page(reports[1]!.id));
  expect(status).toBe(200);
  expect(headers['content-type']).toBe('text/html; charset=utf-8');
  expect(headers['cache-control']).toBe('no-store');
  expect(headers['content-security-policy']).toContain("default-src 'none'");
  expect(text).not.toMatch(/<script|<link|<img|@import|url\(/);
  const nonce = /style-src 'nonce-([^']+)'/.exec(String(headers['content-security-policy']))?.[1];
  expect(text).toContain(`<style nonce="${nonce}">`);
});

test('served values are shown as text and never as markup', async () => {
  const { text } = await api.send('viewer', page('latest'));
  expect(text).not.toContain('<img');
  expect(text).toContain('&lt;img src=x onerror=&quot;alert(1)&quot;&gt;');
});

test('the page has distributions, a heat map over time, importance, performance, labels and traffic', async () => {
  const { text } = await api.send('viewer', page('latest'));
  for (const section of [
    'findings',
    'performance',
    'heat-map',
    'importance',
    'distributions',
    'quality',
    'labels',
    'traffic',
  ])
    expect(text).toContain(`<section id="${section}">`);
  expect(text.match(/<rect\s+class="h[0-4] /g)).toHaveLength(4);
  expect(text).toContain('90 ± 4');
  expect(text).toContain('(DLE)');
  expect(text).toContain('1 labelled row was left out of the metrics');
});

test('a statistic is shown beside its threshold and critical value, and a bin of one value is named by it', async () => {
  const { text } = await api.send('viewer', page('latest'));
  expect(text).toContain('psi 0.5, threshold 0.2, by chance up to 0.375');
  const names = [...text.matchAll(/<title>([^<]*): reference [\d.]+ %, window/g)].map(([, name]) => name);
  expect(names.slice(-4)).toEqual(['below 1', '1 to 2', '2', 'above 2']);
});

test('an earlier report shows what was known then, and `latest` is the newest one', async () => {
  expect((await api.send('viewer', page(reports[0]!.id))).text).toContain(reports[0]!.id);
  expect((await api.send('viewer', page('latest'))).text).toContain(reports[1]!.id);
  expect((await api.send('viewer', page(reports[0]!.id))).text).not.toContain('to 2012-03-01');
});

test('a report from before these fields existed is shown too', () => {
  const { quality, labelDelay, estimate, traffic, volume, referenceNote, ...old } = reports[0]!.body;
  expect([quality, labelDelay, estimate, traffic, volume, referenceNote]).not.toContain(undefined);
  const plainDrift = old.drift.map(({ distribution: _distribution, importance: _importance, ...result }) => result);
  const report = { ...reports[0]!, body: { ...old, drift: plainDrift } };
  expect(reportPage({ report, history: [report], generations: [], metric: 'rmse' }, 'n')).toContain('</html>');
});

test('a column with too few values is labelled so, and does not count as drifted', () => {
  const shown = (tooFew: boolean) => {
    const [first, ...rest] = drift;
    const report = { ...reports[0]!, body: { ...reports[0]!.body, drift: [{ ...first!, tooFew }, ...rest] } };
    return reportPage({ report, history: [report], generations: [], metric: 'rmse' }, 'n');
  };
  expect(shown(false)).toMatch(/>1 of 1<\/b><span>features drifted/);
  expect(shown(true)).toMatch(/>0 of 0<\/b><span>features drifted/);
  expect(shown(true)).toContain('<span class="verdict ">too few</span>');
  expect(shown(true)).toMatch(/class="muted"\s+cx=/);
});

test('counts beside the metrics of a window are not shown as metrics', () => {
  const performance = {
    task: 'regression' as const,
    rows: 321,
    rmse: 90,
    mae: 60,
    r2: 0.5,
    mape: 0.2,
    medianAbsoluteError: 40,
  };
  const report = { ...reports[0]!, body: { ...reports[0]!.body, performance } };
  const shown = reportPage({ report, history: [report], generations: [], metric: 'rmse' }, 'n');
  const names = [...shown.matchAll(/<th scope="row">([A-Za-z0-9]+)<\/th>/g)].map(([, name]) => name);
  expect(names).toEqual(expect.arrayContaining(['rmse', 'mae', 'r2', 'mape', 'medianAbsoluteError']));
  expect(names).not.toContain('rows');
  const byMae = reportPage({ report, history: [report], generations: [], metric: 'mae' }, 'n');
  expect(/<th scope="row">([A-Za-z0-9]+)<\/th>\s*<td>60/.exec(byMae)?.index).toBeLessThan(
    byMae.search(/<th scope="row">rmse/),
  );
});

test('the page of a rehearsal lists the rows of the period that the gateway refused', () => {
  const [report] = reports;
  const document = { report: report!, history: [report!], generations: [], metric: 'rmse' } as const;
  const served = { refusedRows: { rows: 12, features: [{ name: '<hum>', rows: 12 }] } };
  expect(reportPage({ ...document, served }, 'n')).toMatch(/The gateway refused 12 rows .*&lt;hum&gt;.* \(12\)/);
  expect(reportPage({ ...document, served: {} }, 'n')).not.toContain('The gateway refused');
});

test('a report needs a key with a grant on its environment', async () => {
  expect((await api.send(null, page('latest'))).status).toBe(401);
  await api.send('operator', 'PUT /v1/environments/staging', { minimumPolicy: null });
  expect((await api.send('viewer', `${page(reports[0]!.id)}?environment=staging`)).status).toBe(404);
});
