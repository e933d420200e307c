import { platformViewer } from '../../contracts/access/principal.ts';
import { and, eq } from '../../db/connection/orm.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sha256OfJson } from '../../contracts/digest.ts';
import type { Id, Scope } from '../../contracts/identifiers.ts';
import type { LedgerKind } from '../../contracts/ledger/ledger-entry.ts';
import type { ReportBody } from '../../contracts/monitoring/report.ts';
import { createEnvironmentRepository } from '../../db/environments/environment-repository.ts';
import { createLedgerRepository } from '../../db/ledger/ledger-repository.ts';
import { createModelRepository } from '../../db/models/model-repository.ts';
import { createMonitoringRepository } from '../../db/monitoring/monitoring-repository.ts';
import { triggers } from '../../db/lifecycle/lifecycle-tables.ts';
import type { MonitoringRepository } from '../../ports/repositories/monitoring-repository.ts';
import { beginRunOf } from '../support/begin-run-of.ts';
import { configuration, digestOf, layDatabaseGround, type DatabaseGround } from './database-ground.ts';
import { seedRelease } from './seed-release.ts';

type Verdict = Parameters<MonitoringRepository['commitReport']>[2][number];

let ground: DatabaseGround;
let monitoring: MonitoringRepository;
let champion: Id;
let successor: Id;

beforeAll(async () => {
  ground = await layDatabaseGround();
  monitoring = createMonitoringRepository(ground.context);
  champion = (await seedRelease(ground, 1)).id;
  successor = (await seedRelease(ground, 2)).id;
});

afterAll(() => ground?.end());

const begin = '2012-01-01T00:00:00.000Z';
let made = 0;

/** Creates a scope that no other test touches. */
async function freshScope(): Promise<Scope> {
  const environment = `place-${(made += 1)}`;
  await createEnvironmentRepository(ground.context).makeVirtual('default', environment, begin, ground.by);
  return (await createModelRepository(ground.context).apply('default', environment, configuration, ground.by)).scope;
}

async function entered(scope: Scope, kind: LedgerKind) {
  const filter = { project: 'default', environment: scope.environment, kind };
  return (await createLedgerRepository(ground.context).list(platformViewer, filter, { limit: 200 })).items;
}

function segmentOf(scope: Scope, from: string, to: string, name = from) {
  return {
    id: ground.context.ids.next(),
    gatewayId: ground.context.ids.next(),
    modelId: scope.modelId,
    environment: scope.environment,
    sha256: digestOf(`segment ${name}`),
    rows: 10,
    dropped: 0,
    from,
    to,
  };
}

test('a segment that is uploaded again, or ten times at once, is one row', async () => {
  const scope = await freshScope();
  const segment = segmentOf(scope, begin, '2012-01-01T01:00:00.000Z');
  await Promise.all(Array.from({ length: 10 }, () => monitoring.addSegment(segment, [])));
  const held = await monitoring.segments(scope, begin, '2012-01-02T00:00:00.000Z');
  expect(held).toMatchObject([segment]);
});

test('a window contains the segments with a row in it, the oldest first', async () => {
  const scope = await freshScope();
  const hour = (number: number): string => `2012-01-01T${String(number).padStart(2, '0')}:00:00.000Z`;
  const [third, first, second] = [
    segmentOf(scope, hour(6), hour(8)),
    segmentOf(scope, hour(0), hour(2)),
    segmentOf(scope, hour(3), hour(5)),
  ];
  for (const segment of [third, first, second]) await monitoring.addSegment(segment, []);
  const ids = async (from: string, to: string) => (await monitoring.segments(scope, from, to)).map((row) => row.id);
  expect(await ids(hour(0), hour(9))).toEqual([first.id, second.id, third.id]);
  expect(await ids(hour(4), hour(5))).toEqual([second.id]);
  // The window includes a row at its first instant and excludes a row at its end.
  expect(await ids(hour(2), hour(3))).toEqual([first.id]);
  expect(await ids(hour(9), hour(10))).toEqual([]);
  expect(await monitoring.segments({ ...scope, environment: 'elsewhere' }, hour(0), hour(9))).toEqual([]);
});

test('segments that are completely past their retention are removed, with a ledger entry, and shared bytes stay', async () => {
  const scope = await freshScope();
  const before = '2012-02-01T00:00:00.000Z';
  const old = segmentOf(scope, begin, '2012-01-01T01:00:00.000Z', 'old');
  const shared = segmentOf(scope, begin, '2012-01-01T01:00:00.000Z', 'shared');
  const reaching = segmentOf(scope, '2012-01-31T00:00:00.000Z', before, 'shared');
  for (const segment of [old, shared, reaching]) await monitoring.addSegment(segment, []);
  const run = { runId: await beginRunOf('monitor', { ...ground, scope }), by: ground.by };
  expect(await monitoring.expireSegments(scope, before, run)).toEqual([old.sha256]);
  expect(await monitoring.expireSegments(scope, before, run)).toEqual([]);
  const left = await monitoring.segments(scope, begin, '2013-01-01T00:00:00.000Z');
  expect(left.map((segment) => segment.id)).toEqual([reaching.id]);
  const tombstones = await entered(scope, 'predictions.expired');
  expect(tombstones).toHaveLength(1);
  expect(tombstones[0]!.subject).toMatchObject({ before, rows: 20 });
  expect(tombstones[0]!.subject.segments).toEqual(
    expect.arrayContaining([
      { id: old.id, sha256: old.sha256 },
      { id: shared.id, sha256: shared.sha256 },
    ]),
  );
});

function bodyOf(scope: Scope, sufficient: boolean): Omit<ReportBody, 'findings' | 'triggers'> {
  return {
    schemaVersion: 1,
    model: scope.model,
    environment: scope.environment,
    from: '2011-12-01T00:00:00.000Z',
    to: begin,
    reference: 'training',
    predictions: sufficient ? 700 : 20,
    labelled: 0,
    dropped: 0,
    sufficient,
    releases: [],
    drift: [],
    performance: null,
  };
}

function drift(subject: string, value: number, breached = value > 0.2): Verdict {
  return { kind: 'drift', subject, value, threshold: 0.2, breached };
}

async function report(
  scope: Scope,
  verdicts: readonly Verdict[],
  given: {
    sufficient?: boolean;
    runId?: Id;
    championReleaseId?: Id;
    triggerOn?: ('drift' | 'performance')[];
    to?: string;
  } = {},
) {
  return monitoring.commitReport(
    scope,
    { ...bodyOf(scope, given.sufficient ?? true), ...(given.to === undefined ? {} : { to: given.to }) },
    verdicts,
    {
      runId: given.runId ?? (await beginRunOf('monitor', { ...ground, scope })),
      championReleaseId: given.championReleaseId ?? champion,
      triggerOn: given.triggerOn ?? ['drift', 'performance'],
      by: ground.by,
    },
  );
}

function day(number: number): string {
  return `2012-02-0${number}T00:00:00.000Z`;
}

function statesOf({ findings }: ReportBody): Record<string, string> {
  return Object.fromEntries(findings.map((finding) => [finding.subject, finding.state]));
}

function triggersIn(scope: Scope) {
  return ground.context.db
    .select()
    .from(triggers)
    .where(and(eq(triggers.modelId, scope.modelId), eq(triggers.environment, scope.environment)));
}

test('a run makes one report, however often it tries, with the digest of its content', async () => {
  const scope = await freshScope();
  const runId = await beginRunOf('monitor', { ...ground, scope });
  const answers = await Promise.all(Array.from({ length: 8 }, () => report(scope, [drift('temp', 0.5)], { runId })));
  expect(new Set(answers.map((answer) => answer.id)).size).toBe(1);
  const first = await monitoring.report(answers[0]!.id);
  expect(first).toEqual(answers[0]);
  expect(first.digest).toBe(sha256OfJson(first.body));
  expect(first).toMatchObject({ runId, effectiveAt: begin, body: { triggers: ['drift'] } });
  expect(await monitoring.openFindings(scope)).toHaveLength(1);
  expect(await triggersIn(scope)).toHaveLength(1);
  expect(await entered(scope, 'report.made')).toMatchObject([
    { subject: { reportId: first.id, digest: first.digest } },
  ]);
});

test('a finding opens once, stays open while it lasts, and closes after two clear windows in a row', async () => {
  const scope = await freshScope();
  const opened = await report(scope, [drift('temp', 0.5), drift('hum', 0.1)], { to: day(1) });
  expect(statesOf(opened.body)).toEqual({ temp: 'opened' });
  expect(await monitoring.openFindings(scope)).toMatchObject([
    { kind: 'drift', subject: 'temp', value: 0.5, threshold: 0.2, championReleaseId: champion, openedBy: opened.id },
  ]);
  const lasting = await report(scope, [drift('temp', 0.6), drift('hum', 0.1)], { to: day(2) });
  expect(lasting.body.findings).toMatchObject([{ state: 'open', value: 0.6, since: begin }]);
  expect(lasting.body.triggers).toEqual([]);
  const clear = await report(scope, [drift('temp', 0.1), drift('hum', 0.1)], { to: day(3) });
  expect(clear.body.findings).toMatchObject([{ subject: 'temp', state: 'open', clearSince: day(3) }]);
  expect(await monitoring.openFindings(scope)).toMatchObject([{ clearSince: day(3) }]);
  const twice = await report(scope, [drift('temp', 0.1), drift('hum', 0.1)], { to: day(4) });
  expect(statesOf(twice.body)).toEqual({ temp: 'closed' });
  expect(await monitoring.openFindings(scope)).toEqual([]);
  expect((await report(scope, [drift('temp', 0.1)], { to: day(5) })).body.findings).toEqual([]);
  expect(await entered(scope, 'finding.opened')).toHaveLength(1);
  expect(await entered(scope, 'finding.closed')).toHaveLength(1);
  const again = await report(scope, [drift('temp', 0.7)], { to: day(6) });
  expect(statesOf(again.body)).toEqual({ temp: 'opened' });
  expect(again.body.triggers).toEqual(['drift']);
});

test('a value that moves around its threshold gives one finding and one trigger', async () => {
  const scope = await freshScope();
  const values = [0.5, 0.1, 0.5, 0.1, 0.5, 0.1];
  const reports = [];
  for (const [at, value] of values.entries())
    reports.push(await report(scope, [drift('temp', value)], { to: day(at + 1) }));
  expect(reports.map(({ body }) => body.findings[0]!.state)).toEqual([
    'opened',
    'open',
    'open',
    'open',
    'open',
    'open',
  ]);
  expect(await triggersIn(scope)).toHaveLength(1);
});

test('the same clear window twice, or one with too few rows, closes nothing', async () => {
  const scope = await freshScope();
  await report(scope, [drift('temp', 0.5)], { to: day(1) });
  for (let time = 0; time < 3; time += 1) await report(scope, [drift('temp', 0.1)], { to: day(2) });
  await report(scope, [drift('temp', 0.1)], { to: day(3), sufficient: false });
  expect(await monitoring.openFindings(scope)).toMatchObject([{ subject: 'temp', clearSince: day(2) }]);
});

test('findings of missing values, ranges and categories are separate from those of drift in the same column', async () => {
  const scope = await freshScope();
  const found = (kind: Verdict['kind']): Verdict => ({
    kind,
    subject: 'temp',
    value: 0.5,
    threshold: 0.2,
    breached: true,
  });
  const { body } = await report(scope, [found('missing'), found('range'), found('new-category'), drift('temp', 0.5)]);
  expect(body.findings.map(({ kind }) => kind)).toEqual(['missing', 'range', 'new-category', 'drift']);
  expect(body.triggers).toEqual(['drift']);
});

test('concurrent reports open a finding once', async () => {
  const scope = await freshScope();
  const answers = await Promise.all(Array.from({ length: 10 }, () => report(scope, [drift('temp', 0.5)])));
  const states = answers.map((answer) => statesOf(answer.body).temp);
  expect(states.filter((state) => state === 'opened')).toHaveLength(1);
  expect(states.filter((state) => state === 'open')).toHaveLength(9);
  expect(await triggersIn(scope)).toHaveLength(1);
});

test('too few rows neither open nor close a finding', async () => {
  const scope = await freshScope();
  await report(scope, [drift('temp', 0.5)]);
  const few = await report(scope, [drift('temp', 0.1), drift('hum', 0.9)], { sufficient: false });
  expect(statesOf(few.body)).toEqual({ temp: 'open' });
  expect(few.body.triggers).toEqual([]);
  expect((await monitoring.openFindings(scope)).map((finding) => finding.subject)).toEqual(['temp']);
});

test('a value that was not measured, or is not a number, closes nothing', async () => {
  const scope = await freshScope();
  const performance = { kind: 'performance', subject: 'rmse', value: 120, threshold: 100, breached: true } as const;
  await report(scope, [performance, drift('temp', 0.5)]);
  const later = await report(scope, [drift('temp', Number.NaN, false)]);
  expect(statesOf(later.body)).toEqual({ rmse: 'open', temp: 'open' });
});

test('a new champion closes the findings of its predecessor, and has findings of its own', async () => {
  const scope = await freshScope();
  await report(scope, [drift('temp', 0.5), drift('hum', 0.4)]);
  const after = await report(scope, [drift('temp', 0.3), drift('hum', 0.1)], { championReleaseId: successor });
  expect(after.body.findings.map(({ subject, state }) => `${subject} ${state}`).toSorted()).toEqual([
    'hum closed',
    'temp closed',
    'temp opened',
  ]);
  expect(after.body.triggers).toEqual(['drift']);
  expect(await monitoring.openFindings(scope)).toMatchObject([{ subject: 'temp', championReleaseId: successor }]);
});

test('a new champion closes old findings even with too few rows to judge it', async () => {
  const scope = await freshScope();
  await report(scope, [drift('temp', 0.5)]);
  const after = await report(scope, [drift('temp', 0.5)], { championReleaseId: successor, sufficient: false });
  expect(statesOf(after.body)).toEqual({ temp: 'closed' });
  expect(await monitoring.openFindings(scope)).toEqual([]);
});

test('a kind of finding triggers once per report, and only if the configuration asks for it', async () => {
  const scope = await freshScope();
  const performance = { kind: 'performance', subject: 'rmse', value: 120, threshold: 100, breached: true } as const;
  const mixed = await report(scope, [drift('temp', 0.5), drift('hum', 0.4), performance], { triggerOn: ['drift'] });
  expect(mixed.body.triggers).toEqual(['drift']);
  const first = mixed.body.findings.find((finding) => finding.subject === 'temp')!;
  expect(await triggersIn(scope)).toMatchObject([
    {
      kind: 'drift',
      status: 'pending',
      fingerprint: `finding ${first.id}`,
      reason: 'drift of temp: 0.5 against the threshold 0.2, and 1 more',
    },
  ]);
  const none = await report(await freshScope(), [drift('temp', 0.5)], { triggerOn: [] });
  expect(none.body).toMatchObject({ triggers: [], findings: [{ state: 'opened' }] });
});

test('a column with the name of the prediction shares its findings, and the worse value counts', async () => {
  const scope = await freshScope();
  const both = await report(scope, [drift('prediction', 0.1), drift('prediction', 0.6)]);
  expect(both.body.findings).toMatchObject([{ subject: 'prediction', state: 'opened', value: 0.6 }]);
  const otherWay = await report(scope, [drift('prediction', 0.7), drift('prediction', 0.1)]);
  expect(otherWay.body.findings).toMatchObject([{ subject: 'prediction', state: 'open', value: 0.7 }]);
});

test('reports are listed newest first, by page, only for their scope', async () => {
  const scope = await freshScope();
  const reports = [];
  for (let number = 0; number < 5; number += 1) reports.unshift(await report(scope, []));
  const first = await monitoring.reports(scope, { limit: 3 });
  const second = await monitoring.reports(scope, { limit: 3, cursor: first.next! });
  expect([...first.items, ...second.items]).toEqual(reports);
  expect(second.next).toBeUndefined();
  await expect(monitoring.report(ground.context.ids.next())).rejects.toMatchObject({ code: 'not-found' });
  expect((await createLedgerRepository(ground.context).verify(scope.modelId)).problem).toBeNull();
});
