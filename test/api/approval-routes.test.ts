import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Approval } from '../../contracts/serving/approval.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import type { TestApi } from '../support/api.ts';
import { applyBike, startTestApi } from '../support/api.ts';
import { seedApproval, seedVersion } from '../support/seed-candidate.ts';

let api: TestApi;
let scope: Scope;
let approval: Approval;
let workflowId: string;
let seed = 0;

beforeAll(async () => {
  api = await startTestApi();
  scope = await applyBike(api);
});
afterAll(() => api.stop());
beforeEach(async () => {
  seed += 1;
  const seeded = await seedVersion(api.repositories, scope, api.principals.operator, { seed });
  ({ approval } = await seedApproval(api.repositories, scope, api.principals.operator, seeded));
  ({ workflowId } = await api.repositories.runs.get(approval.runId));
  api.temporal.calls.length = 0;
});

function vote(who: Parameters<TestApi['send']>[0], body: Record<string, unknown> = {}) {
  return api.send(who, `POST /v1/approvals/${approval.id}/votes`, {
    decision: 'approve',
    digest: approval.digest,
    ...body,
  });
}

test('a request is listed, and read with its evidence', async () => {
  const { body } = await api.send('viewer', 'GET /v1/approvals?status=pending&model=bike');
  expect(body.items.map(({ id }: Approval) => id)).toEqual([approval.id]);
  const elsewhere = await api.send('viewer', 'GET /v1/approvals?environment=staging');
  expect(elsewhere.body.items).toEqual([]);
  expect((await api.send('viewer', `GET /v1/approvals/${approval.id}`)).body).toMatchObject({
    status: 'pending',
    digest: approval.digest,
    evidence: { modelVersion: approval.evidence.modelVersion, evaluation: { verdict: 'candidate' } },
    votes: [],
  });
});

describe('a vote', () => {
  test('is recorded under the voter’s name, and wakes the deployment', async () => {
    const { status, body } = await vote('approver', { comment: 'looks right' });
    expect(status).toBe(200);
    expect(body.votes).toMatchObject([
      { principalId: api.principals.approver, principalName: 'approver', decision: 'approve', comment: 'looks right' },
    ]);
    expect(api.temporal.calls).toEqual([`nudge ${workflowId}`]);
  });

  test('counts even while Temporal is unreachable', async () => {
    api.temporal.away = true;
    try {
      expect((await vote('approver')).status).toBe(200);
    } finally {
      api.temporal.away = false;
    }
    expect((await api.send('viewer', `GET /v1/approvals/${approval.id}`)).body.votes).toHaveLength(1);
  });

  test('on another digest is refused', async () => {
    expect(await vote('approver', { digest: 'd'.repeat(64) })).toMatchObject({
      status: 409,
      body: { code: 'digest-not-current' },
    });
  });

  test.each(['viewer', 'operator'] as const)('by a %s is refused', async (role) => {
    expect((await vote(role)).status).toBe(403);
  });

  test('by the requester is refused, whatever their role', async () => {
    const { id, key } = await api.addKey('both', [{ role: 'approver' }]);
    const seeded = await seedVersion(api.repositories, scope, id, { seed: 1_000 });
    ({ approval } = await seedApproval(api.repositories, scope, id, seeded));
    expect(await vote({ key })).toMatchObject({ status: 403, body: { code: 'vote-refused' } });
  });

  test('by an approver of another environment is refused', async () => {
    const { key } = await api.addKey('stager', [{ role: 'approver', environment: 'staging' }]);
    expect(await vote({ key })).toMatchObject({ status: 403, body: { code: 'forbidden' } });
  });

  test('a second time by the same voter is refused', async () => {
    await vote('approver');
    const again = await vote('approver');
    expect(again.status).toBe(403);
    expect(again.body.code).toBe('vote-refused');
  });

  test('on a decided or superseded request is refused', async () => {
    await vote('approver', { decision: 'reject' });
    await api.repositories.approvals.tally(approval.id, approval.runId);
    const { key } = await api.addKey('late', [{ role: 'approver' }]);
    expect(await vote({ key })).toMatchObject({ status: 409, body: { code: 'approval-closed' } });
  });

  test('with an invalid body is refused, and the error names what is wrong', async () => {
    expect(await vote('approver', { decision: 'maybe' })).toMatchObject({
      status: 400,
      body: { pointer: '/decision' },
    });
    expect(await vote('approver', { digest: 'short' })).toMatchObject({ status: 400, body: { pointer: '/digest' } });
  });

  test('on an unknown request is not found', async () => {
    expect(
      await api.send('approver', `POST /v1/approvals/${api.ids.next()}/votes`, {
        decision: 'approve',
        digest: approval.digest,
      }),
    ).toMatchObject({ status: 404 });
  });
});
