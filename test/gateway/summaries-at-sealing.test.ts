import { afterAll, beforeAll, expect, test } from 'vitest';
import { sha256OfJson } from '../../contracts/digest.ts';
import type { PredictionSegment } from '../../contracts/serving/prediction.ts';
import type { Counting } from '../../ports/segment-summary.ts';
import type { ServingGround, TestGateway } from '../support/serving-ground.ts';
import { inferBody, layServingGround, startTestGateway } from '../support/serving-ground.ts';

let ground: ServingGround;
let serving: TestGateway;

beforeAll(async () => {
  ground = await layServingGround();
  await ground.deploy({ bias: 0 });
  serving = await startTestGateway(ground);
});
afterAll(async () => {
  await serving.close();
  await ground.stop();
});

/** Serves rows, and returns the segment that the gateway seals of them. */
async function sealed(rows: readonly (readonly [number, number])[]): Promise<PredictionSegment> {
  const { monitoring } = ground.repositories;
  const all = () => monitoring.segments(ground.scope, '2000-01-01T00:00:00.000Z', '2100-01-01T00:00:00.000Z');
  const before = new Set((await all()).map(({ id }) => id));
  expect((await serving.ask('POST /v2/models/bike/infer', inferBody(rows))).status).toBe(200);
  const where = { project: 'default', model: 'bike', environment: 'production' };
  expect((await serving.ask('POST /v1/flush', where)).status).toBe(200);
  const added = (await all()).filter(({ id }) => !before.has(id));
  expect(added).toHaveLength(1);
  return added[0]!;
}

async function summaryOf({ sha256 }: PredictionSegment, counting: Counting) {
  return (await ground.repositories.monitoring.summaries(ground.scope, [sha256], sha256OfJson(counting))).get(sha256);
}

const counting: Counting = {
  features: { temp: { kind: 'numeric', bounds: [1, 2] }, hum: { kind: 'categorical' } },
  prediction: { kind: 'numeric', bounds: [10] },
};

test('a segment is sealed with the summary that the last report wanted', async () => {
  const { monitoring } = ground.repositories;
  const first = await sealed([[1, 1]]);
  await monitoring.useCounting(ground.scope, { key: sha256OfJson(counting), counting });
  const second = await sealed([
    [0.5, 7],
    [1, 7],
    [1.5, 8],
    [9, 7],
  ]);
  // Sealed before a report wanted anything.
  expect(await summaryOf(first, counting)).toBeUndefined();
  expect(await summaryOf(second, counting)).toMatchObject({
    rows: 4,
    failed: 0,
    features: {
      temp: { values: { kind: 'numeric', present: 4, range: [0.5, 9], counts: [2, 1, 1] } },
      hum: {
        values: {
          kind: 'categorical',
          present: 4,
          values: [
            [7, 3],
            [8, 1],
          ],
        },
      },
    },
    // temp + hum: 7.5, 8, 9.5 and 16.
    prediction: { values: { present: 4, counts: [3, 1] } },
  });
});

test('a summary that cannot be computed does not keep the segment from being uploaded', async () => {
  const broken = JSON.parse(
    JSON.stringify({ ...counting, features: { temp: { kind: 'numeric', bounds: [Number.NaN] } } }),
  );
  await ground.repositories.monitoring.useCounting(ground.scope, { key: sha256OfJson(broken), counting: broken });
  const segment = await sealed([[1, 1]]);
  expect(segment.rows).toBe(1);
  expect(await summaryOf(segment, broken)).toBeUndefined();
});
