import { afterAll, beforeAll, expect, test } from 'vitest';
import { sha256OfJson } from '../../contracts/digest.ts';
import type { Id, Scope } from '../../contracts/identifiers.ts';
import { waitingLabelsAtMost } from '../../contracts/label.ts';
import type { IndexedPrediction } from '../../contracts/prediction.ts';
import { platformViewer } from '../../contracts/principal.ts';
import { eq, sql } from '../../db/orm.ts';
import { createEnvironmentRepository } from '../../db/repositories/environments.ts';
import { createLedgerRepository } from '../../db/repositories/ledger.ts';
import { createModelRepository } from '../../db/repositories/models.ts';
import { createMonitoringRepository } from '../../db/repositories/monitoring.ts';
import { labelCorrections, predictionSegments } from '../../db/schema.ts';
import type { MonitoringRepository } from '../../ports/repositories/monitoring.ts';
import { configuration, digestOf, type Ground, layGround } from './ground.ts';

let ground: Ground;
let monitoring: MonitoringRepository;

beforeAll(async () => {
  ground = await layGround();
  monitoring = createMonitoringRepository(ground.context);
});

afterAll(() => ground?.end());

const begin = '2012-01-01T00:00:00.000Z';
let made = 0;

/** A scope that no other test touches; its clock is virtual and shows `begin`. */
async function freshScope(): Promise<Scope> {
  const environment = `labels-${(made += 1)}`;
  await createEnvironmentRepository(ground.context).makeVirtual('default', environment, begin, ground.by);
  return (await createModelRepository(ground.context).apply('default', environment, configuration, ground.by)).scope;
}

type Served = Partial<IndexedPrediction> & { readonly id: string };

/** A segment with these predictions arrives from a gateway. */
async function arrive(scope: Scope, served: readonly Served[], gatewayId: Id = ground.context.ids.next()) {
  const rows = served.map((prediction): IndexedPrediction => {
    const given = { request: null, row: null, version: 1, happened: begin, recorded: begin };
    return { ...given, ...prediction };
  });
  await monitoring.addSegment(
    {
      id: ground.context.ids.next(),
      gatewayId,
      modelId: scope.modelId,
      environment: scope.environment,
      sha256: digestOf(`labels ${(made += 1)}`),
      rows: rows.length,
      dropped: 0,
      from: begin,
      to: begin,
    },
    [JSON.stringify(rows)],
  );
}

const named = (...ids: string[]): Served[] => ids.map((id) => ({ id }));

async function corrected(scope: Scope) {
  const filter = { project: 'default', environment: scope.environment, kind: 'labels.corrected' as const };
  return (await createLedgerRepository(ground.context).list(platformViewer, filter, { limit: 200 })).items;
}

const counts = { accepted: 0, corrected: 0, repeated: 0, unknown: 0, refused: 0, waiting: 0, forgotten: 0 };

test('labels of known predictions are accepted, and the same ones again change nothing', async () => {
  const scope = await freshScope();
  await arrive(scope, named('a', 'b'));
  const labels = [
    { id: 'a', value: 1, at: '2012-01-01T00:00:01.000Z' },
    { id: 'b', value: 2.5 },
  ];
  expect(await monitoring.addLabels(scope, labels, ground.by)).toMatchObject({ ...counts, accepted: 2 });
  expect(await monitoring.addLabels(scope, labels, ground.by)).toMatchObject({ ...counts, repeated: 2 });
  expect(await monitoring.labels(scope, ['b', 'a', 'absent'])).toEqual([
    { id: 'a', value: 1, at: '2012-01-01T00:00:01.000Z' },
    { id: 'b', value: 2.5, at: begin },
  ]);
  expect(await monitoring.labels(scope, [])).toEqual([]);
  expect(await corrected(scope)).toEqual([]);
});

test('the later label counts, and one entry of the ledger for each batch keeps what it replaced', async () => {
  const scope = await freshScope();
  await arrive(scope, named('a', 'b', 'c'));
  await monitoring.addLabels(
    scope,
    ['a', 'b', 'c'].map((id) => ({ id, value: 1 })),
    ground.by,
  );
  const batch = [
    { id: 'a', value: 2 },
    { id: 'b', value: 3 },
    { id: 'c', value: 1 },
  ];
  const corrections = [
    { id: 'a', from: 1, to: 2 },
    { id: 'b', from: 1, to: 3 },
  ];
  const answer = await monitoring.addLabels(scope, batch, ground.by);
  expect(answer).toMatchObject({ ...counts, corrected: 2, repeated: 1, corrections });
  expect(await monitoring.addLabels(scope, batch, ground.by)).toMatchObject({ ...counts, repeated: 3 });
  expect(await monitoring.labels(scope, ['a', 'b', 'c'])).toMatchObject(batch);
  const entries = await corrected(scope);
  expect(entries).toMatchObject([
    {
      subject: { labels: 2, corrections: sha256OfJson(corrections), first: corrections },
      reason: '2 labels were corrected',
      recordedBy: ground.by,
    },
  ]);
  const kept = await ground.context.db
    .select({ id: labelCorrections.predictionId, sequence: labelCorrections.sequence })
    .from(labelCorrections)
    .where(eq(labelCorrections.environment, scope.environment));
  expect(kept.map(({ id }) => id).toSorted()).toEqual(['a', 'b']);
  expect(kept[0]!.sequence).toBe(entries[0]!.sequence);
});

test('a ledger entry names the first hundred of many corrections and carries the digest of all', async () => {
  const scope = await freshScope();
  const ids = Array.from({ length: 1_500 }, (_, row) => `row ${String(row).padStart(4, '0')}`);
  await arrive(scope, named(...ids));
  const valued = (value: number) => ids.map((id) => ({ id, value }));
  await monitoring.addLabels(scope, valued(1), ground.by);
  const answer = await monitoring.addLabels(scope, valued(2), ground.by);
  expect(answer).toMatchObject({ ...counts, corrected: 1_500 });
  expect(answer.corrections).toHaveLength(100);
  const [entry] = await corrected(scope);
  const all = ids.map((id) => ({ id, from: 1, to: 2 }));
  const listed: object[] = [];
  let cursor: string | undefined;
  do {
    const page = await monitoring.corrections(scope, entry!.sequence, { limit: 200, cursor });
    listed.push(...page.items.map(({ id, from, to }) => ({ id, from, to })));
    cursor = page.next;
  } while (cursor !== undefined);
  expect(sha256OfJson(listed)).toBe(entry!.subject['corrections']);
  expect(await monitoring.corrections(scope, 1, { limit: 1 })).toEqual({ items: [] });
  expect(entry!.subject).toMatchObject({ labels: 1_500, corrections: sha256OfJson(all), first: all.slice(0, 100) });
});

test('of a batch that contradicts itself the last label counts, and the same batch again corrects nothing', async () => {
  const scope = await freshScope();
  await arrive(scope, named('same'));
  const batch = [1, 1, 2, 3].map((value) => ({ id: 'same', value }));
  expect(await monitoring.addLabels(scope, batch, ground.by)).toMatchObject({ ...counts, accepted: 1, repeated: 3 });
  expect(await monitoring.addLabels(scope, batch, ground.by)).toMatchObject({ ...counts, repeated: 4 });
  expect(await monitoring.labels(scope, ['same'])).toMatchObject([{ value: 3 }]);
});

test('a value that no metric survives is refused by name, and keeps none of the others out', async () => {
  const scope = await freshScope();
  await arrive(scope, named('a', 'b', 'c'));
  const labels = [
    { id: 'a', value: 1e300 },
    { id: 'b', value: '2.0' },
    { id: 'c', value: null },
    { id: 'later', value: 'NaN' },
  ];
  const answer = await monitoring.addLabels(scope, labels, ground.by);
  expect(answer).toMatchObject({ ...counts, accepted: 1, refused: 3 });
  expect(answer.refusals).toMatchObject([
    { place: 0, id: 'a', value: 1e300, reason: expect.stringContaining('is beyond ±1e+150') },
    { place: 2, id: 'c', value: null, reason: 'there is no value' },
    { place: 3, id: 'later', value: 'NaN', reason: expect.stringContaining('is not a number') },
  ]);
  expect(await monitoring.labels(scope, ['a', 'b', 'c', 'later'])).toMatchObject([{ id: 'b', value: 2 }]);
});

test('a label dated a day after the clock of the environment, or before its prediction, is refused by name', async () => {
  const scope = await freshScope();
  await arrive(scope, named('a', 'b', 'c', 'd'));
  const answer = await monitoring.addLabels(
    scope,
    [
      { id: 'a', value: 1, at: '2012-01-02T00:00:00.001Z' },
      { id: 'b', value: 1, at: '2012-01-02T00:00:00.000Z' },
      { id: 'c', value: 1, at: '2011-12-31T23:59:59.999Z' },
      { id: 'd', value: 1, at: begin },
      { id: 'unknown', value: 1, at: '2013-01-01T00:00:00.000Z' },
    ],
    ground.by,
  );
  expect(answer).toMatchObject({ ...counts, accepted: 2, refused: 3 });
  expect(answer.refusals.map(({ id, reason }) => `${id}: ${reason}`)).toEqual([
    `a: it is dated 2012-01-02T00:00:00.001Z, more than a day after the environment's clock, which shows ${begin}`,
    `c: it is dated 2011-12-31T23:59:59.999Z, before its own prediction of ${begin}`,
    `unknown: it is dated 2013-01-01T00:00:00.000Z, more than a day after the environment's clock, which shows ${begin}`,
  ]);
});

test('a label without a time of a prediction by a clock that is ahead has the time of the prediction', async () => {
  const scope = await freshScope();
  const happened = '2012-01-01T00:00:02.000Z';
  await arrive(scope, [{ id: 'a', happened }]);
  expect(await monitoring.addLabels(scope, [{ id: 'a', value: 1 }], ground.by)).toMatchObject({ accepted: 1 });
  expect(await monitoring.labels(scope, ['a'])).toEqual([{ id: 'a', value: 1, at: happened }]);
});

test('labels of unknown predictions are told, wait, and are joined when the predictions arrive', async () => {
  const scope = await freshScope();
  const labels = [
    { id: 'early', value: 7 },
    { id: 'never', value: 8 },
  ];
  const answer = await monitoring.addLabels(scope, labels, ground.by);
  const waiting = { ...counts, unknown: 2, waiting: 2, unknownLabels: [{ id: 'early' }, { id: 'never' }] };
  expect(answer).toMatchObject(waiting);
  expect(await monitoring.addLabels(scope, labels, ground.by)).toMatchObject(waiting);
  await arrive(scope, named('early', 'other'));
  expect(await monitoring.labels(scope, ['early'])).toMatchObject([{ id: 'early', value: 7 }]);
  expect(await monitoring.waitingLabels(scope)).toBe(1);
  expect(await monitoring.addLabels(scope, [labels[0]!], ground.by)).toMatchObject({
    ...counts,
    repeated: 1,
    waiting: 1,
  });
});

test('a waiting label is corrected by a later one, and joined as the later one', async () => {
  const scope = await freshScope();
  for (const value of [1, 2]) await monitoring.addLabels(scope, [{ id: 'a', value }], ground.by);
  expect(await monitoring.waitingLabels(scope)).toBe(1);
  await arrive(scope, named('a'));
  expect(await monitoring.labels(scope, ['a'])).toMatchObject([{ value: 2 }]);
});

test('labels find predictions by the id of the request and the row', async () => {
  const scope = await freshScope();
  const rows = ['x', 'y', 'z'].map((id, row) => ({ id, request: 'batch', row }));
  await arrive(scope, [...rows, { id: 'alone', request: 'order-7', row: 0 }]);
  const answer = await monitoring.addLabels(
    scope,
    [
      { request: 'batch', row: 2, value: 3 },
      { request: 'order-7', value: 1 },
      { request: 'batch', value: 1 },
      { request: 'batch', row: 3, value: 1 },
      { request: 'order-7', row: 0, value: 1 },
    ],
    ground.by,
  );
  expect(answer).toMatchObject({ ...counts, accepted: 2, repeated: 1, refused: 2 });
  expect(answer.refusals.map(({ reason }) => reason)).toEqual([
    'the request has 3 rows: name the label\'s own by "row", from 0',
    'the request has 3 rows, counted from 0',
  ]);
  expect(await monitoring.labels(scope, ['z', 'alone'])).toMatchObject([
    { id: 'alone', value: 1 },
    { id: 'z', value: 3 },
  ]);
});

test('of a request id that was used twice the first request counts, and the answer says so', async () => {
  const scope = await freshScope();
  await arrive(scope, [{ id: 'second', request: 'r', row: 0, recorded: '2012-01-01T00:00:05.000Z' }]);
  await arrive(scope, [{ id: 'first', request: 'r', row: 0, recorded: '2012-01-01T00:00:04.000Z' }]);
  const answer = await monitoring.addLabels(scope, [{ request: 'r', value: 5 }], ground.by);
  expect(answer).toMatchObject({ accepted: 1, ambiguous: [{ request: 'r', requests: 2 }] });
  expect(await monitoring.labels(scope, ['first', 'second'])).toMatchObject([{ id: 'first' }]);
});

test('labels by request wait for the request, and one that names no row of several goes on waiting', async () => {
  const scope = await freshScope();
  const labels = [
    { request: 'late', row: 1, value: 4 },
    { request: 'late', value: 5 },
  ];
  expect(await monitoring.addLabels(scope, labels, ground.by)).toMatchObject({ ...counts, unknown: 2, waiting: 2 });
  await arrive(
    scope,
    ['p', 'q'].map((id, row) => ({ id, request: 'late', row })),
  );
  expect(await monitoring.labels(scope, ['p', 'q'])).toMatchObject([{ id: 'q', value: 4 }]);
  expect(await monitoring.waitingLabels(scope)).toBe(1);
});

test('where a prediction id occurs twice, the first prediction is the one that labels are held against', async () => {
  const scope = await freshScope();
  const [early, late] = ['2012-01-01T00:00:01.000Z', '2012-01-01T00:00:09.000Z'];
  await arrive(scope, [
    { id: 'a', happened: late, recorded: late },
    { id: 'a', happened: early, recorded: early },
  ]);
  const at = '2012-01-01T00:00:05.000Z';
  expect(await monitoring.addLabels(scope, [{ id: 'a', value: 1, at }], ground.by)).toMatchObject({ accepted: 1 });
});

test('waiting labels have a bound: the oldest give way and are counted', async () => {
  const scope = await freshScope();
  await ground.context.db.execute(sql`
    insert into waiting_labels (model_id, environment, prediction_id, value, recorded_at, effective_at, recorded_by)
    select ${scope.modelId}::uuid, ${scope.environment}, 'w' || n, 1, now() - interval '1 hour' - n * interval '1 second', now(),
      ${ground.by}::uuid
    from generate_series(1, ${waitingLabelsAtMost}::int) n`);
  const more = Array.from({ length: 3 }, (_, row) => ({ id: `new ${row}`, value: row }));
  const answer = await monitoring.addLabels(scope, more, ground.by);
  expect(answer).toMatchObject({ ...counts, unknown: 3, waiting: waitingLabelsAtMost, forgotten: 3 });
  const oldest = [`w${waitingLabelsAtMost}`, 'w1', 'new 2'];
  expect((await monitoring.labels(scope, oldest)).map(({ id }) => id).toSorted()).toEqual(['new 2', 'w1']);
  const begun = Date.now();
  await arrive(scope, named('w1'));
  expect(Date.now() - begun).toBeLessThan(10_000);
  expect(await monitoring.waitingLabels(scope)).toBe(waitingLabelsAtMost - 1);
});

test('labels that have waited for thirty days are forgotten, unless they may be of a prediction that is not indexed', async () => {
  const scope = await freshScope();
  const insertOld = () =>
    ground.context.db.execute(sql`
      insert into waiting_labels (model_id, environment, prediction_id, value, recorded_at, effective_at, recorded_by)
      values (${scope.modelId}::uuid, ${scope.environment}, 'old', 1, now() - interval '31 days', now(), ${ground.by}::uuid)`);
  await insertOld();
  await arrive(scope, named('a'));
  const ofBefore = eq(predictionSegments.environment, scope.environment);
  await ground.context.db.update(predictionSegments).set({ indexed: false }).where(ofBefore);
  expect(await monitoring.addLabels(scope, [{ id: 'u', value: 1 }], ground.by)).toMatchObject({ forgotten: 0 });
  // Reports find it by its id.
  expect(await monitoring.labels(scope, ['old'])).toMatchObject([{ id: 'old', value: 1 }]);
  await ground.context.db.update(predictionSegments).set({ indexed: true }).where(ofBefore);
  expect(await monitoring.addLabels(scope, [{ id: 'u', value: 1 }], ground.by)).toMatchObject({ forgotten: 1 });
});

test('a label that was stored before predictions were indexed can be corrected', async () => {
  const scope = await freshScope();
  await ground.context.db.execute(sql`
    insert into labels (model_id, environment, prediction_id, value, effective_at, recorded_by)
    values (${scope.modelId}::uuid, ${scope.environment}, 'legacy', 1, now(), ${ground.by}::uuid)`);
  const answer = await monitoring.addLabels(scope, [{ id: 'legacy', value: 2 }], ground.by);
  expect(answer).toMatchObject({ ...counts, corrected: 1 });
  expect(await monitoring.labels(scope, ['legacy'])).toMatchObject([{ value: 2 }]);
});

test('labels and the segments with their predictions that arrive at the same time never miss each other', async () => {
  const scope = await freshScope();
  const ids = Array.from({ length: 20 }, (_, at) => `race ${at}`);
  await Promise.all(
    ids.flatMap((id, value) => [monitoring.addLabels(scope, [{ id, value }], ground.by), arrive(scope, named(id))]),
  );
  expect(await monitoring.labels(scope, ids)).toHaveLength(20);
  expect(await monitoring.waitingLabels(scope)).toBe(0);
});

test('twenty thousand labels are one call, and so are the same ones again', async () => {
  const scope = await freshScope();
  const labels = Array.from({ length: 20_001 }, (_, row) => ({ id: `row ${row}`, value: row / 7 }));
  await arrive(scope, named(...labels.map(({ id }) => id)));
  expect(await monitoring.addLabels(scope, labels, ground.by)).toMatchObject({ ...counts, accepted: 20_001 });
  expect(await monitoring.addLabels(scope, labels, ground.by)).toMatchObject({ ...counts, repeated: 20_001 });
  const kept = await monitoring.labels(
    scope,
    labels.map(({ id }) => id),
  );
  const values = new Map(kept.map(({ id, value }) => [id, value]));
  expect(labels.every(({ id, value }) => values.get(id) === value)).toBe(true);
});

test('senders beside each other get every label in once, whatever the order they name them in', async () => {
  const scope = await freshScope();
  const labels = Array.from({ length: 2_000 }, (_, row) => ({ id: `row ${row}`, value: row }));
  await arrive(scope, named(...labels.map(({ id }) => id)));
  const answers = await Promise.all(
    Array.from({ length: 6 }, (_, sender) =>
      monitoring.addLabels(scope, sender % 2 === 0 ? labels : labels.toReversed(), ground.by),
    ),
  );
  expect(answers.reduce((sum, answer) => sum + answer.accepted, 0)).toBe(2_000);
  expect(answers.reduce((sum, answer) => sum + answer.repeated, 0)).toBe(10_000);
});

test('labels of another environment are others', async () => {
  const [here, there] = [await freshScope(), await freshScope()];
  for (const scope of [here, there]) await arrive(scope, named('a'));
  await monitoring.addLabels(here, [{ id: 'a', value: 1 }], ground.by);
  expect(await monitoring.addLabels(there, [{ id: 'a', value: 2 }], ground.by)).toMatchObject({ accepted: 1 });
  expect(await monitoring.labels(here, ['a'])).toEqual([{ id: 'a', value: 1, at: begin }]);
});

test('labels, waiting ones, corrections and the index go with their predictions, in their scope alone', async () => {
  const [here, there] = [await freshScope(), await freshScope()];
  const [old, recent] = ['2011-06-01T00:00:00.000Z', '2011-12-01T00:00:00.000Z'];
  for (const scope of [here, there]) {
    await arrive(scope, [
      { id: 'old', happened: old },
      { id: 'late', happened: recent },
    ]);
    const labels = [
      { id: 'old', value: 1, at: old },
      { id: 'late', value: 2, at: recent },
      { id: 'waits', value: 3, at: old },
    ];
    await monitoring.addLabels(scope, labels, ground.by);
    await monitoring.addLabels(scope, [{ id: 'late', value: 3, at: recent }], ground.by);
  }
  expect(await monitoring.expireLabels(here, recent)).toBe(2);
  expect(await monitoring.expireLabels(here, recent)).toBe(0);
  expect(await monitoring.expireIndex(here, recent)).toBe(1);
  expect(await monitoring.expireIndex(here, recent)).toBe(0);
  expect(await monitoring.labels(here, ['old', 'late', 'waits'])).toMatchObject([{ id: 'late' }]);
  expect(await monitoring.labels(there, ['old', 'late', 'waits'])).toHaveLength(3);
  // The correction was made at the clock's time.
  expect(await monitoring.expireLabels(here, '2012-02-01T00:00:00.000Z')).toBe(2);
});
