import { platformViewer } from '../../contracts/access/principal.ts';
import { eq } from '../../db/connection/orm.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sha256OfJson } from '../../contracts/digest.ts';
import type { Id } from '../../contracts/identifiers.ts';
import type { LedgerKind } from '../../contracts/ledger/ledger-entry.ts';
import { isGranted } from '../../contracts/access/principal.ts';
import type { RehearsalPeriod, RehearsalPlan } from '../../contracts/runs/rehearsal.ts';
import { createEnvironmentRepository } from '../../db/environments/environment-repository.ts';
import { createLedgerRepository } from '../../db/ledger/ledger-repository.ts';
import { createModelRepository } from '../../db/models/model-repository.ts';
import { createPrincipalRepository } from '../../db/principals/principal-repository.ts';
import { createRehearsalRepository } from '../../db/rehearsals/rehearsal-repository.ts';
import { createRunRepository } from '../../db/runs/run-repository.ts';
import { commands } from '../../db/lifecycle/lifecycle-tables.ts';
import { rehearsals as rehearsalRows } from '../../db/rehearsals/rehearsal-tables.ts';
import type { RehearsalRepository } from '../../ports/repositories/rehearsal-repository.ts';
import { layDatabaseGround, type DatabaseGround } from './database-ground.ts';
import { seedRelease } from './seed-release.ts';

let ground: DatabaseGround;
let rehearsals: RehearsalRepository;
let plan: RehearsalPlan;

beforeAll(async () => {
  ground = await layDatabaseGround();
  rehearsals = createRehearsalRepository(ground.context);
  const { datasetVersionId, codeVersionId, configurationId } = await seedRelease(ground, 1);
  plan = {
    schemaVersion: 1,
    from: '2011-07-01T04:00:00.000Z',
    to: '2013-01-01T05:00:00.000Z',
    every: 'month',
    datasetVersionId,
    codeVersionId,
    configurationId,
    sourceEnvironment: 'production',
  };
});

afterAll(() => ground?.end());

const summary = { metricAsServed: 64.3912, metricNeverReplaced: 102.61, promoted: 13, refused: 4, unchanged: 0 };

function create(key?: string, given: Partial<RehearsalPlan> = {}) {
  const idempotency = key === undefined ? undefined : { key, route: 'POST /v1/models/bike-demand/rehearsals' };
  return rehearsals.create(ground.scope, { ...plan, ...given }, 'rmse', ground.by, idempotency);
}

async function entered(kind: LedgerKind, rehearsalId: Id) {
  const { items } = await createLedgerRepository(ground.context).list(
    platformViewer,
    { project: 'default', kind },
    { limit: 200 },
  );
  return items.filter((entry) => entry.subject.rehearsalId === rehearsalId);
}

test('a rehearsal has an environment of its own with a past time, the code and configuration, and no data', async () => {
  const { context, scope: source, by } = ground;
  const models = createModelRepository(context);
  const before = await models.heads(source);
  const { rehearsal, scope } = await create();
  expect(rehearsal).toMatchObject({
    project: 'default',
    model: 'bike-demand',
    environment: scope.environment,
    plan,
    metric: 'rmse',
    periods: [],
    summary: null,
    recordedBy: by,
  });
  expect(scope).toEqual({ ...source, environment: expect.stringMatching(/^rehearsal-[0-9a-f]{8}$/) });
  expect(await createEnvironmentRepository(context).get('default', scope.environment)).toMatchObject({
    clock: 'virtual',
    virtualNow: plan.from,
    minimumPolicy: null,
  });
  expect(await models.heads(scope)).toMatchObject({
    configurationId: plan.configurationId,
    codeVersionId: plan.codeVersionId,
    datasetVersionId: null,
  });
  expect(await models.heads(source)).toEqual(before);
  expect(await entered('rehearsal.started', rehearsal.id)).toMatchObject([
    { environment: scope.environment, effectiveAt: plan.from, recordedBy: by, subject: { runId: rehearsal.runId } },
  ]);
});

test('a rehearsal is started by a command, whose queued run waits for the lifecycle of that environment', async () => {
  const { context, by } = ground;
  const { rehearsal, scope } = await create();
  expect(await createRunRepository(context).get(rehearsal.runId)).toMatchObject({
    state: 'queued',
    environment: scope.environment,
    request: { kind: 'rehearsal', rehearsalId: rehearsal.id },
    effectiveAt: plan.from,
    workflowId: `bike-demand/${scope.environment}/rehearsal/${rehearsal.runId}`,
    recordedBy: by,
  });
  const given = await context.db.select().from(commands).where(eq(commands.environment, scope.environment));
  expect(given).toMatchObject([{ status: 'pending', runId: rehearsal.runId, recordedBy: by }]);
  expect(await createModelRepository(context).scopes()).toContainEqual(scope);
});

test('the principal of a rehearsal may approve and send labels in its environment, and do nothing elsewhere', async () => {
  const { rehearsal, scope } = await create();
  const id = await rehearsals.principalOf(rehearsal.id);
  const principal = await createPrincipalRepository(ground.context).get(id);
  expect(principal).toMatchObject({ name: `rehearsal-${rehearsal.id}`, kind: 'service' });
  expect(isGranted(principal.grants, 'approver', scope)).toBe(true);
  expect(isGranted(principal.grants, 'operator', scope)).toBe(true);
  expect(isGranted(principal.grants, 'admin', scope)).toBe(false);
  expect(isGranted(principal.grants, 'viewer', ground.scope)).toBe(false);
  expect(isGranted(principal.grants, 'viewer', { ...scope, model: 'other' })).toBe(false);
  const other = await create();
  expect(await rehearsals.principalOf(other.rehearsal.id)).not.toBe(id);
});

test('twenty concurrent rehearsals have twenty environments', async () => {
  const made = await Promise.all(Array.from({ length: 20 }, () => create()));
  expect(new Set(made.map(({ rehearsal }) => rehearsal.environment)).size).toBe(20);
});

test('a key that is used again returns the first rehearsal, even if it is used ten times at once', async () => {
  const { db } = ground.context;
  const before = await db.$count(rehearsalRows);
  const answers = await Promise.all(Array.from({ length: 10 }, () => create('once')));
  expect(new Set(answers.map(({ rehearsal }) => rehearsal.id)).size).toBe(1);
  expect(await create('once')).toEqual(answers[0]);
  expect(await db.$count(rehearsalRows)).toBe(before + 1);
});

test('a key that was used for another plan is a conflict, and creates nothing', async () => {
  const { db } = ground.context;
  await create('planned');
  const before = await db.$count(rehearsalRows);
  await expect(create('planned', { every: 'week' })).rejects.toMatchObject({ code: 'idempotency-conflict' });
  expect(await db.$count(rehearsalRows)).toBe(before);
});

test('requests with a digest are compared by the digest', async () => {
  const { scope, by } = ground;
  const request = { key: 'digest', route: 'POST', requestDigest: sha256OfJson('as it was sent') };
  const first = await rehearsals.create(scope, plan, 'rmse', by, request);
  // The source has new data in the meantime. The request is the same, so its earlier answer is returned.
  const later = { ...plan, to: '2012-01-01T05:00:00.000Z' };
  expect(await rehearsals.create(scope, later, 'rmse', by, request)).toEqual(first);
  const other = { ...request, requestDigest: sha256OfJson('another') };
  await expect(rehearsals.create(scope, plan, 'rmse', by, other)).rejects.toMatchObject({
    code: 'idempotency-conflict',
  });
});

test('a plan with unknown code creates nothing', async () => {
  const { db, ids } = ground.context;
  const before = await db.$count(rehearsalRows);
  await expect(create(undefined, { codeVersionId: ids.next() })).rejects.toMatchObject({ code: 'not-found' });
  expect(await db.$count(rehearsalRows)).toBe(before);
});

function periodOf(index: number): RehearsalPeriod {
  return {
    index,
    label: `2011-${String(index + 7).padStart(2, '0')}`,
    from: plan.from,
    to: plan.to,
    rows: 700 + index,
    metricAsServed: 60 + index,
    metricNeverReplaced: null,
    findings: ['drift of temp'],
    triggers: ['schedule'],
    build: null,
  };
}

test('a period is recorded once, and later attempts do not change it, and periods are read in order', async () => {
  const { rehearsal } = await create();
  await createRunRepository(ground.context).begin(rehearsal.runId);
  for (const index of [1, 0]) await rehearsals.addPeriod(rehearsal.id, periodOf(index));
  await rehearsals.addPeriod(rehearsal.id, { ...periodOf(0), rows: 1 });
  const periods = [periodOf(0), periodOf(1)];
  expect(await rehearsals.get(rehearsal.id)).toEqual({ ...rehearsal, periods });
  const { items } = await rehearsals.list(platformViewer, ground.scope.modelId, { limit: 200 });
  expect(items.find((item) => item.id === rehearsal.id)?.periods).toEqual(periods);
  await expect(rehearsals.addPeriod(ground.context.ids.next(), periodOf(0))).rejects.toMatchObject({
    code: 'not-found',
  });
});

test('the environment of a rehearsal refers to it, and other environments do not', async () => {
  const { rehearsal, scope } = await create();
  expect(await rehearsals.inEnvironment(scope)).toEqual(rehearsal);
  expect(await rehearsals.inEnvironment(ground.scope)).toBeUndefined();
});

test('the ledger counts refused and unanswered rows, and metrics that no period has are unknown', async () => {
  const { rehearsal } = await create();
  await createRunRepository(ground.context).begin(rehearsal.runId);
  const lost = { refusedRows: 700, unansweredRows: 1 };
  const told = { ...summary, ...lost, metricAsServed: null, metricNeverReplaced: null };
  await rehearsals.finish(rehearsal.id, told);
  expect((await rehearsals.get(rehearsal.id)).summary).toEqual(told);
  const [entry] = await entered('rehearsal.ended', rehearsal.id);
  expect(entry).toMatchObject({ subject: lost });
  expect(entry?.reason).toMatch(
    /unknown as served.*; rows refused by the gateway: 700; rows without a finite answer: 1$/,
  );
});

test('a rehearsal ends once, with its five numbers, in the name of its principal', async () => {
  const { rehearsal, scope } = await create();
  await createRunRepository(ground.context).begin(rehearsal.runId);
  await createEnvironmentRepository(ground.context).advanceClock('default', scope.environment, plan.to);
  await Promise.all(Array.from({ length: 5 }, () => rehearsals.finish(rehearsal.id, summary)));
  await rehearsals.finish(rehearsal.id, { ...summary, promoted: 99 });
  expect((await rehearsals.get(rehearsal.id)).summary).toEqual(summary);
  expect(await entered('rehearsal.ended', rehearsal.id)).toMatchObject([
    {
      effectiveAt: plan.to,
      recordedBy: await rehearsals.principalOf(rehearsal.id),
      reason: expect.stringContaining('rmse 64.39 as served, 102.6 if the first model had never been replaced'),
      subject: summary,
    },
  ]);
});

test('rehearsals are listed newest first, by page', async () => {
  const { modelId } = ground.scope;
  const whole = await rehearsals.list(platformViewer, modelId, { limit: 200 });
  const first = await rehearsals.list(platformViewer, modelId, { limit: 2 });
  const second = await rehearsals.list(platformViewer, modelId, { limit: 2, cursor: first.next! });
  expect([...first.items, ...second.items]).toEqual(whole.items.slice(0, 4));
  const ids = whole.items.map((rehearsal) => rehearsal.id);
  expect(ids).toEqual(ids.toSorted().toReversed());
  expect((await rehearsals.list(platformViewer, ground.context.ids.next(), { limit: 2 })).items).toEqual([]);
});

test('an unknown rehearsal is not found, and the ledger is valid', async () => {
  const absent = ground.context.ids.next();
  await expect(rehearsals.get(absent)).rejects.toMatchObject({ code: 'not-found' });
  await expect(rehearsals.principalOf(absent)).rejects.toMatchObject({ code: 'not-found' });
  await expect(rehearsals.finish(absent, summary)).rejects.toMatchObject({ code: 'not-found' });
  expect((await createLedgerRepository(ground.context).verify(ground.scope.modelId)).problem).toBeNull();
});
