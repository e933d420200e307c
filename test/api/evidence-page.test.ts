import { afterAll, beforeAll, expect, test } from 'vitest';
import { evidenceDocument } from '../../pages/evidence/evidence-document.ts';
import { trafficPlan } from '../../pages/evidence/traffic-plan.ts';
import { evidencePage } from '../../pages/evidence/evidence-page.ts';
import { Evidence } from '../../contracts/serving/approval-evidence.ts';
import type { Approval } from '../../contracts/serving/approval.ts';
import type { TestApi } from '../support/api.ts';
import { applyBike, startTestApi } from '../support/api.ts';
import { seedApproval, seedVersion } from '../support/seed-candidate.ts';
import { exampleApproval, exampleDetails } from './evidence-example.ts';

let api: TestApi;
let approval: Approval;

beforeAll(async () => {
  api = await startTestApi();
  const scope = await applyBike(api);
  const seeded = await seedVersion(api.repositories, scope, api.principals.operator, { seed: 1 });
  ({ approval } = await seedApproval(api.repositories, scope, api.principals.operator, seeded, exampleDetails));
});
afterAll(() => api.stop());

test('the evidence contains everything gathered for the request, and how to decide', async () => {
  const { status, body } = await api.send('viewer', `GET /v1/approvals/${approval.id}/evidence`);
  expect(status).toBe(200);
  expect(Evidence.parse(body)).toEqual(body);
  expect(body).toMatchObject({
    approval: { id: approval.id, requestedByName: 'operator', policy: { votes: 1 } },
    gates: approval.evidence.evaluation.gates,
    changedRows: exampleDetails.changedRows,
    lineage: exampleDetails.lineage,
    rollbackTarget: null,
    decide: { path: `/v1/approvals/${approval.id}/votes`, digest: approval.digest },
  });
});

test('lists leave out the long details', async () => {
  const { body } = await api.send('viewer', 'GET /v1/approvals');
  expect(body.items[0]).not.toHaveProperty('details');
  expect(body.items[0]).not.toHaveProperty('evidence.changedRows');
});

test('the page opens with HTTP Basic, and runs only its own script and style', async () => {
  const path = `/v1/approvals/${approval.id}/evidence.html`;
  const authorization = `Basic ${Buffer.from(`anybody:${api.keys.viewer}`).toString('base64')}`;
  const page = await api.api.inject({ url: path, headers: { authorization } });
  expect(page.statusCode).toBe(200);
  const policy = String(page.headers['content-security-policy']);
  const nonce = /script-src 'nonce-([^']+)'/.exec(policy)?.[1] ?? '';
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(page.body).toContain(`<script nonce="${nonce}">`);
  expect(page.body).not.toMatch(/(src|href)="?http/);
  const again = await api.api.inject({ url: path, headers: { authorization } });
  expect(again.body).not.toContain(nonce);
  const stranger = await api.api.inject({ url: path });
  expect(stranger.statusCode).toBe(401);
  expect(stranger.headers['www-authenticate']).toContain('Basic');
});

test('requests that a browser sends on its own decide nothing', async () => {
  const authorization = `Basic ${Buffer.from(`anybody:${api.keys.approver}`).toString('base64')}`;
  const answer = await api.api.inject({
    method: 'POST',
    url: `/v1/approvals/${approval.id}/votes`,
    headers: { authorization },
    payload: { decision: 'approve', digest: approval.digest },
  });
  expect(answer.statusCode).toBe(401);
});

test('the page has its sections in the order in which a reader needs them', () => {
  const page = evidencePage(evidenceDocument(exampleApproval, exampleDetails, 'bo'), 'a-nonce');
  const parts = [...page.matchAll(/<section id="([^"]+)"/g)].map(([, part]) => part);
  expect(parts).toEqual([
    'warnings',
    'gates',
    'comparison',
    'slices',
    'calibration',
    'changed-rows',
    'data',
    'code',
    'lineage',
    'plan',
    'decide',
  ]);
  for (const shown of ['workingday=0', '720 added', '+    max_depth=8,', '1.9.1', 'recorded by bo, commit 4f1c9e2'])
    expect(page).toContain(shown);
});

test('the page shows the votes for an earlier request, and that they do not count', () => {
  const page = evidencePage(evidenceDocument(exampleApproval, exampleDetails, 'bo'), 'a-nonce');
  expect(page).toMatch(/These votes do not count for this request\.[^]*bea[^]*better than version 4/);
});

test('the plan announces no bake and no stop for a release that gets all requests at once', () => {
  const { strategy, champion } = exampleApproval.subject;
  const straight = { ...strategy, canary: [100], shadow: undefined };
  expect(trafficPlan({ strategy: straight, champion })).toEqual({ traffic: ['all requests'], stops: [] });
  const { traffic, stops } = trafficPlan({ strategy, champion: null });
  expect(traffic).toEqual([expect.stringMatching(/^all requests at once, because there is no champion/)]);
  expect(stops).toEqual([]);
});

test('slices are sorted worst first, and the plan names every step and what stops it', () => {
  const { slices, traffic, stops, rollbackTarget } = evidenceDocument(exampleApproval, exampleDetails, 'bo');
  expect(slices.map(({ slice }) => slice)).toEqual(['workingday=0', 'workingday=1']);
  expect(rollbackTarget).toMatchObject({ modelVersion: 5 });
  expect(traffic).toEqual([
    'no requests: as a shadow, it predicts beside the champion for at least 10m and 200 rows (aborted if more than 20 % of its predictions differ by more than 25, or if it fails on more than 1 % of the rows)',
    '10 % of requests for at least 5m and 50 requests (with fewer, the rollout waits for more)',
    '50 % of requests for at least 5m and 50 requests (with fewer, the rollout waits for more)',
    'all requests',
  ]);
  expect(stops).toEqual([
    'more than 1 % of its requests fail although the champion can answer them',
    'its p99 latency is above 50 ms',
    'its rmse over at least 30 labels is above 150',
  ]);
});

test('the metrics of a refit are attributed to the version that was evaluated', () => {
  const { evaluation } = exampleApproval.evidence;
  const cites = { evaluation: evaluation.holdout, modelVersion: 6, artifact: evaluation.modelVersionDigest };
  const refit = { ...exampleApproval, evidence: { ...exampleApproval.evidence, evaluation: { ...evaluation, cites } } };
  const document = evidenceDocument(refit, exampleDetails, 'bo');
  expect(Evidence.parse(document).comparison.measuredOf).toBe(6);
  const page = evidencePage(document, 'a-nonce');
  expect(page).toContain('with version 6: version 7 is its refit');
  expect(page).toContain('challenger: version 6 [interval');
  expect(page).toMatch(/Version 7 is a refit and was trained on these rows/);
  const plain = evidencePage(evidenceDocument(exampleApproval, exampleDetails, 'bo'), 'a-nonce');
  expect(plain).toContain('challenger: version 7 [interval');
  expect(plain).not.toContain('refit');
});

test('parts that an upsert rewrote are not reported as added and removed rows', () => {
  const { compared: _compared, ...parts } = exampleDetails.data;
  const data = { ...parts, rows: 12_890, rowsAdded: 4_000, rowsRemoved: 4_000 };
  const page = evidencePage(evidenceDocument(exampleApproval, { ...exampleDetails, data }, 'bo'), 'a-nonce');
  expect(page).toMatch(/4,000 rows in new parts<\/strong>, 4,000 rows in removed parts/);
  expect(page).not.toContain('4,000 added');
});

test('compared data is reported as rows, and columns by the size of their shift', () => {
  const page = evidencePage(evidenceDocument(exampleApproval, exampleDetails, 'bo'), 'a-nonce');
  expect(page).toMatch(
    /720 added<\/strong>, <strong>0 removed<\/strong>, <strong>3 changed<\/strong>,\s+12,887 unchanged/,
  );
  expect(page).toMatch(/<code>temp<\/code><\/th>\s*<td>0.0412<\/td><td>0.49<\/td><td>0.51<\/td><td>0.1031<\/td>/);
  expect(page).toContain('and 15 more, which have moved less');
});

test('a build without a window is shown as trained on all rows, not since the year one', () => {
  const lineage = exampleDetails.lineage;
  const trained = { ...lineage.trained, from: '0001-01-01T00:00:00.000Z' };
  const details = { ...exampleDetails, lineage: { ...lineage, trained } };
  const page = evidencePage(evidenceDocument(exampleApproval, details, 'bo'), 'a-nonce');
  expect(page).toContain('trained on 4,007 rows up to 2012-07-01 04:00 UTC, 336 held out');
});

test('text from people and programs is escaped', () => {
  const hostile = `"><script>alert(1)</script><img src=x onerror='alert(2)'>`;
  const told: Approval = {
    ...exampleApproval,
    votes: exampleApproval.votes.map((vote) => ({ ...vote, principalName: hostile, comment: hostile })),
    evidence: {
      ...exampleApproval.evidence,
      evaluation: {
        ...exampleApproval.evidence.evaluation,
        gates: exampleApproval.evidence.evaluation.gates.map((gate) => ({ ...gate, gate: hostile, reason: hostile })),
        slices: exampleApproval.evidence.evaluation.slices.map((slice) => ({ ...slice, value: hostile })),
      },
    },
  };
  const rows = exampleDetails.changedRows?.rows ?? [];
  const page = evidencePage(
    evidenceDocument(
      told,
      {
        ...exampleDetails,
        changedRows: {
          ...exampleDetails.changedRows!,
          rows: rows.map((row) => ({ ...row, key: hostile, features: { [hostile]: hostile } })),
        },
        code: { from: 1, to: 2, files: [{ path: hostile, change: 'added', lines: [hostile] }] },
        parameters: [{ name: hostile, before: hostile, after: hostile }],
        missing: [hostile],
      },
      hostile,
    ),
    'a-nonce',
  );
  expect(page).not.toContain('<img');
  expect(page.match(/<script/g)).toHaveLength(1);
  expect(page.match(/onerror='/g)).toBeNull();
});
