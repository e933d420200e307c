import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitingLabelsAtMost } from '../../contracts/monitoring/label.ts';
import { eq, sql } from '../../db/connection/orm.ts';
import { predictionSegments } from '../../db/labels/label-tables.ts';
import { counts, type LabelGround, layLabelGround, named } from './label-ground.ts';

let ground: LabelGround;

beforeAll(async () => {
  ground = await layLabelGround();
});

afterAll(() => ground?.end());

test('labels of unknown predictions are counted, wait, and are joined when the predictions arrive', async () => {
  const scope = await ground.freshScope();
  const labels = [
    { id: 'early', value: 7 },
    { id: 'never', value: 8 },
  ];
  const answer = await ground.monitoring.addLabels(scope, labels, ground.by);
  const waiting = { ...counts, unknown: 2, waiting: 2, unknownLabels: [{ id: 'early' }, { id: 'never' }] };
  expect(answer).toMatchObject(waiting);
  expect(await ground.monitoring.addLabels(scope, labels, ground.by)).toMatchObject(waiting);
  await ground.arrive(scope, named('early', 'other'));
  expect(await ground.monitoring.labels(scope, ['early'])).toMatchObject([{ id: 'early', value: 7 }]);
  expect(await ground.monitoring.waitingLabels(scope)).toBe(1);
  expect(await ground.monitoring.addLabels(scope, [labels[0]!], ground.by)).toMatchObject({
    ...counts,
    repeated: 1,
    waiting: 1,
  });
});

test('a waiting label is corrected by a later one, and joined with the later value', async () => {
  const scope = await ground.freshScope();
  for (const value of [1, 2]) await ground.monitoring.addLabels(scope, [{ id: 'a', value }], ground.by);
  expect(await ground.monitoring.waitingLabels(scope)).toBe(1);
  await ground.arrive(scope, named('a'));
  expect(await ground.monitoring.labels(scope, ['a'])).toMatchObject([{ value: 2 }]);
});

test('labels find predictions by request id and row', async () => {
  const scope = await ground.freshScope();
  const rows = ['x', 'y', 'z'].map((id, row) => ({ id, request: 'batch', row }));
  await ground.arrive(scope, [...rows, { id: 'alone', request: 'order-7', row: 0 }]);
  const answer = await ground.monitoring.addLabels(
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
    'the request has 3 rows; name the row of the label with "row", counted from 0',
    'row 3 does not exist: the request has 3 rows, counted from 0',
  ]);
  expect(await ground.monitoring.labels(scope, ['z', 'alone'])).toMatchObject([
    { id: 'alone', value: 1 },
    { id: 'z', value: 3 },
  ]);
});

test('if a request id was used twice, the first request counts, and the response says so', async () => {
  const scope = await ground.freshScope();
  await ground.arrive(scope, [{ id: 'second', request: 'r', row: 0, recorded: '2012-01-01T00:00:05.000Z' }]);
  await ground.arrive(scope, [{ id: 'first', request: 'r', row: 0, recorded: '2012-01-01T00:00:04.000Z' }]);
  const answer = await ground.monitoring.addLabels(scope, [{ request: 'r', value: 5 }], ground.by);
  expect(answer).toMatchObject({ accepted: 1, ambiguous: [{ request: 'r', requests: 2 }] });
  expect(await ground.monitoring.labels(scope, ['first', 'second'])).toMatchObject([{ id: 'first' }]);
});

test('labels by request id wait for the request, and one without a row for a request of several rows keeps waiting', async () => {
  const scope = await ground.freshScope();
  const labels = [
    { request: 'late', row: 1, value: 4 },
    { request: 'late', value: 5 },
  ];
  expect(await ground.monitoring.addLabels(scope, labels, ground.by)).toMatchObject({
    ...counts,
    unknown: 2,
    waiting: 2,
  });
  await ground.arrive(
    scope,
    ['p', 'q'].map((id, row) => ({ id, request: 'late', row })),
  );
  expect(await ground.monitoring.labels(scope, ['p', 'q'])).toMatchObject([{ id: 'q', value: 4 }]);
  expect(await ground.monitoring.waitingLabels(scope)).toBe(1);
});

test('if a prediction id occurs twice, labels belong to the first prediction', async () => {
  const scope = await ground.freshScope();
  const [early, late] = ['2012-01-01T00:00:01.000Z', '2012-01-01T00:00:09.000Z'];
  await ground.arrive(scope, [
    { id: 'a', happened: late, recorded: late },
    { id: 'a', happened: early, recorded: early },
  ]);
  const at = '2012-01-01T00:00:05.000Z';
  expect(await ground.monitoring.addLabels(scope, [{ id: 'a', value: 1, at }], ground.by)).toMatchObject({
    accepted: 1,
  });
});

test('the number of waiting labels is limited, and the oldest are dropped and counted', async () => {
  const scope = await ground.freshScope();
  await ground.context.db.execute(sql`
    insert into waiting_labels (model_id, environment, prediction_id, value, recorded_at, effective_at, recorded_by)
    select ${scope.modelId}::uuid, ${scope.environment}, 'w' || n, 1, now() - interval '1 hour' - n * interval '1 second', now(),
      ${ground.by}::uuid
    from generate_series(1, ${waitingLabelsAtMost}::int) n`);
  const more = Array.from({ length: 3 }, (_, row) => ({ id: `new ${row}`, value: row }));
  const answer = await ground.monitoring.addLabels(scope, more, ground.by);
  expect(answer).toMatchObject({ ...counts, unknown: 3, waiting: waitingLabelsAtMost, forgotten: 3 });
  const oldest = [`w${waitingLabelsAtMost}`, 'w1', 'new 2'];
  expect((await ground.monitoring.labels(scope, oldest)).map(({ id }) => id).toSorted()).toEqual(['new 2', 'w1']);
  const begun = Date.now();
  await ground.arrive(scope, named('w1'));
  expect(Date.now() - begun).toBeLessThan(10_000);
  expect(await ground.monitoring.waitingLabels(scope)).toBe(waitingLabelsAtMost - 1);
});

test('labels that have waited for thirty days are dropped, unless their prediction may be in an unindexed segment', async () => {
  const scope = await ground.freshScope();
  const insertOld = () =>
    ground.context.db.execute(sql`
      insert into waiting_labels (model_id, environment, prediction_id, value, recorded_at, effective_at, recorded_by)
      values (${scope.modelId}::uuid, ${scope.environment}, 'old', 1, now() - interval '31 days', now(), ${ground.by}::uuid)`);
  await insertOld();
  await ground.arrive(scope, named('a'));
  const ofBefore = eq(predictionSegments.environment, scope.environment);
  await ground.context.db.update(predictionSegments).set({ indexed: false }).where(ofBefore);
  expect(await ground.monitoring.addLabels(scope, [{ id: 'u', value: 1 }], ground.by)).toMatchObject({ forgotten: 0 });
  // Reports find the label by its prediction id.
  expect(await ground.monitoring.labels(scope, ['old'])).toMatchObject([{ id: 'old', value: 1 }]);
  await ground.context.db.update(predictionSegments).set({ indexed: true }).where(ofBefore);
  expect(await ground.monitoring.addLabels(scope, [{ id: 'u', value: 1 }], ground.by)).toMatchObject({ forgotten: 1 });
});
