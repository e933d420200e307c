import { afterAll, beforeAll, expect, test } from 'vitest';
import { sha256OfJson } from '../../contracts/digest.ts';
import { eq, sql } from '../../db/connection/orm.ts';
import { labelCorrections } from '../../db/labels/label-tables.ts';
import { begin, counts, type LabelGround, layLabelGround, named } from './label-ground.ts';

let ground: LabelGround;

beforeAll(async () => {
  ground = await layLabelGround();
});

afterAll(() => ground?.end());

test('labels of known predictions are accepted, and sending them again changes nothing', async () => {
  const scope = await ground.freshScope();
  await ground.arrive(scope, named('a', 'b'));
  const labels = [
    { id: 'a', value: 1, at: '2012-01-01T00:00:01.000Z' },
    { id: 'b', value: 2.5 },
  ];
  expect(await ground.monitoring.addLabels(scope, labels, ground.by)).toMatchObject({ ...counts, accepted: 2 });
  expect(await ground.monitoring.addLabels(scope, labels, ground.by)).toMatchObject({ ...counts, repeated: 2 });
  expect(await ground.monitoring.labels(scope, ['b', 'a', 'absent'])).toEqual([
    { id: 'a', value: 1, at: '2012-01-01T00:00:01.000Z' },
    { id: 'b', value: 2.5, at: begin },
  ]);
  expect(await ground.monitoring.labels(scope, [])).toEqual([]);
  expect(await ground.corrected(scope)).toEqual([]);
});

test('the later label counts, and one ledger entry per batch keeps the replaced labels', async () => {
  const scope = await ground.freshScope();
  await ground.arrive(scope, named('a', 'b', 'c'));
  await ground.monitoring.addLabels(
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
  const answer = await ground.monitoring.addLabels(scope, batch, ground.by);
  expect(answer).toMatchObject({ ...counts, corrected: 2, repeated: 1, corrections });
  expect(await ground.monitoring.addLabels(scope, batch, ground.by)).toMatchObject({ ...counts, repeated: 3 });
  expect(await ground.monitoring.labels(scope, ['a', 'b', 'c'])).toMatchObject(batch);
  const entries = await ground.corrected(scope);
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

test('a ledger entry names the first hundred of many corrections and contains the digest of all', async () => {
  const scope = await ground.freshScope();
  const ids = Array.from({ length: 1_500 }, (_, row) => `row ${String(row).padStart(4, '0')}`);
  await ground.arrive(scope, named(...ids));
  const valued = (value: number) => ids.map((id) => ({ id, value }));
  await ground.monitoring.addLabels(scope, valued(1), ground.by);
  const answer = await ground.monitoring.addLabels(scope, valued(2), ground.by);
  expect(answer).toMatchObject({ ...counts, corrected: 1_500 });
  expect(answer.corrections).toHaveLength(100);
  const [entry] = await ground.corrected(scope);
  const all = ids.map((id) => ({ id, from: 1, to: 2 }));
  const listed: object[] = [];
  let cursor: string | undefined;
  do {
    const page = await ground.monitoring.corrections(scope, entry!.sequence, { limit: 200, cursor });
    listed.push(...page.items.map(({ id, from, to }) => ({ id, from, to })));
    cursor = page.next;
  } while (cursor !== undefined);
  expect(sha256OfJson(listed)).toBe(entry!.subject['corrections']);
  expect(await ground.monitoring.corrections(scope, 1, { limit: 1 })).toEqual({ items: [] });
  expect(entry!.subject).toMatchObject({ labels: 1_500, corrections: sha256OfJson(all), first: all.slice(0, 100) });
});

test('the last label counts in a batch that contradicts itself, and the same batch again corrects nothing', async () => {
  const scope = await ground.freshScope();
  await ground.arrive(scope, named('same'));
  const batch = [1, 1, 2, 3].map((value) => ({ id: 'same', value }));
  expect(await ground.monitoring.addLabels(scope, batch, ground.by)).toMatchObject({
    ...counts,
    accepted: 1,
    repeated: 3,
  });
  expect(await ground.monitoring.addLabels(scope, batch, ground.by)).toMatchObject({ ...counts, repeated: 4 });
  expect(await ground.monitoring.labels(scope, ['same'])).toMatchObject([{ value: 3 }]);
});

test('a value with which no metric can be computed is refused by name, and the other labels are accepted', async () => {
  const scope = await ground.freshScope();
  await ground.arrive(scope, named('a', 'b', 'c'));
  const labels = [
    { id: 'a', value: 1e300 },
    { id: 'b', value: '2.0' },
    { id: 'c', value: null },
    { id: 'later', value: 'NaN' },
  ];
  const answer = await ground.monitoring.addLabels(scope, labels, ground.by);
  expect(answer).toMatchObject({ ...counts, accepted: 1, refused: 3 });
  expect(answer.refusals).toMatchObject([
    { place: 0, id: 'a', value: 1e300, reason: expect.stringContaining('is beyond ±1e+150') },
    { place: 2, id: 'c', value: null, reason: 'the label has no value' },
    { place: 3, id: 'later', value: 'NaN', reason: expect.stringContaining('is not a number') },
  ]);
  expect(await ground.monitoring.labels(scope, ['a', 'b', 'c', 'later'])).toMatchObject([{ id: 'b', value: 2 }]);
});

test("a label dated more than a day ahead of the environment's clock, or before its prediction, is refused by name", async () => {
  const scope = await ground.freshScope();
  await ground.arrive(scope, named('a', 'b', 'c', 'd'));
  const answer = await ground.monitoring.addLabels(
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
    `c: it is dated 2011-12-31T23:59:59.999Z, before the time of its prediction, ${begin}`,
    `unknown: it is dated 2013-01-01T00:00:00.000Z, more than a day after the environment's clock, which shows ${begin}`,
  ]);
});

test('a label without a time gets the time of its prediction if that is ahead of the clock', async () => {
  const scope = await ground.freshScope();
  const happened = '2012-01-01T00:00:02.000Z';
  await ground.arrive(scope, [{ id: 'a', happened }]);
  expect(await ground.monitoring.addLabels(scope, [{ id: 'a', value: 1 }], ground.by)).toMatchObject({ accepted: 1 });
  expect(await ground.monitoring.labels(scope, ['a'])).toEqual([{ id: 'a', value: 1, at: happened }]);
});

test('a label that was stored before predictions were indexed can be corrected', async () => {
  const scope = await ground.freshScope();
  await ground.context.db.execute(sql`
    insert into labels (model_id, environment, prediction_id, value, effective_at, recorded_by)
    values (${scope.modelId}::uuid, ${scope.environment}, 'legacy', 1, now(), ${ground.by}::uuid)`);
  const answer = await ground.monitoring.addLabels(scope, [{ id: 'legacy', value: 2 }], ground.by);
  expect(answer).toMatchObject({ ...counts, corrected: 1 });
  expect(await ground.monitoring.labels(scope, ['legacy'])).toMatchObject([{ value: 2 }]);
});

test('labels and segments that arrive at the same time are always joined', async () => {
  const scope = await ground.freshScope();
  const ids = Array.from({ length: 20 }, (_, at) => `race ${at}`);
  await Promise.all(
    ids.flatMap((id, value) => [
      ground.monitoring.addLabels(scope, [{ id, value }], ground.by),
      ground.arrive(scope, named(id)),
    ]),
  );
  expect(await ground.monitoring.labels(scope, ids)).toHaveLength(20);
  expect(await ground.monitoring.waitingLabels(scope)).toBe(0);
});

test('twenty thousand labels are stored in one call, and again without a change', async () => {
  const scope = await ground.freshScope();
  const labels = Array.from({ length: 20_001 }, (_, row) => ({ id: `row ${row}`, value: row / 7 }));
  await ground.arrive(scope, named(...labels.map(({ id }) => id)));
  expect(await ground.monitoring.addLabels(scope, labels, ground.by)).toMatchObject({ ...counts, accepted: 20_001 });
  expect(await ground.monitoring.addLabels(scope, labels, ground.by)).toMatchObject({ ...counts, repeated: 20_001 });
  const kept = await ground.monitoring.labels(
    scope,
    labels.map(({ id }) => id),
  );
  const values = new Map(kept.map(({ id, value }) => [id, value]));
  expect(labels.every(({ id, value }) => values.get(id) === value)).toBe(true);
});

test('concurrent senders store every label once, in whatever order', async () => {
  const scope = await ground.freshScope();
  const labels = Array.from({ length: 2_000 }, (_, row) => ({ id: `row ${row}`, value: row }));
  await ground.arrive(scope, named(...labels.map(({ id }) => id)));
  const answers = await Promise.all(
    Array.from({ length: 6 }, (_, sender) =>
      ground.monitoring.addLabels(scope, sender % 2 === 0 ? labels : labels.toReversed(), ground.by),
    ),
  );
  expect(answers.reduce((sum, answer) => sum + answer.accepted, 0)).toBe(2_000);
  expect(answers.reduce((sum, answer) => sum + answer.repeated, 0)).toBe(10_000);
});

test('labels of another environment are separate', async () => {
  const [here, there] = [await ground.freshScope(), await ground.freshScope()];
  for (const scope of [here, there]) await ground.arrive(scope, named('a'));
  await ground.monitoring.addLabels(here, [{ id: 'a', value: 1 }], ground.by);
  expect(await ground.monitoring.addLabels(there, [{ id: 'a', value: 2 }], ground.by)).toMatchObject({ accepted: 1 });
  expect(await ground.monitoring.labels(here, ['a'])).toEqual([{ id: 'a', value: 1, at: begin }]);
});

test('labels, waiting labels, corrections and the index expire with their predictions, only in their scope', async () => {
  const [here, there] = [await ground.freshScope(), await ground.freshScope()];
  const [old, recent] = ['2011-06-01T00:00:00.000Z', '2011-12-01T00:00:00.000Z'];
  for (const scope of [here, there]) {
    await ground.arrive(scope, [
      { id: 'old', happened: old },
      { id: 'late', happened: recent },
    ]);
    const labels = [
      { id: 'old', value: 1, at: old },
      { id: 'late', value: 2, at: recent },
      { id: 'waits', value: 3, at: old },
    ];
    await ground.monitoring.addLabels(scope, labels, ground.by);
    await ground.monitoring.addLabels(scope, [{ id: 'late', value: 3, at: recent }], ground.by);
  }
  expect(await ground.monitoring.expireLabels(here, recent)).toBe(2);
  expect(await ground.monitoring.expireLabels(here, recent)).toBe(0);
  expect(await ground.monitoring.expireIndex(here, recent)).toBe(1);
  expect(await ground.monitoring.expireIndex(here, recent)).toBe(0);
  expect(await ground.monitoring.labels(here, ['old', 'late', 'waits'])).toMatchObject([{ id: 'late' }]);
  expect(await ground.monitoring.labels(there, ['old', 'late', 'waits'])).toHaveLength(3);
  // The correction carries the time of the environment's clock.
  expect(await ground.monitoring.expireLabels(here, '2012-02-01T00:00:00.000Z')).toBe(2);
});
