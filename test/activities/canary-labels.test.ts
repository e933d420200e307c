import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createCanaryMetric } from '../../activities/deployment/canary-metric.ts';
import { createSystemClock } from '../../adapters/clock/system.ts';
import { sha256OfJson } from '../../contracts/digest.ts';
import type { Counting } from '../../ports/segment-summary.ts';
import { createLogger } from '../../adapters/logger/pino.ts';
import { keepDerivedFiles } from '../../adapters/object-store/kept-derived-files.ts';
import type { Deployed, ServingGround, TestGateway } from '../support/serving-ground.ts';
import { inferBody, layServingGround, startTestGateway } from '../support/serving-ground.ts';
import { tableEngineBench } from '../support/table-engine-of-tests.ts';
import { seededUniform } from '../../statistics/probability/seeded-random.ts';

const bench = tableEngineBench();
const bias = { champion: 0, canary: 100 };
let ground: ServingGround;
let serving: TestGateway;
let canary: Deployed;
let random: () => number;
/** The canary's answers by id, and the labels by id. */
let answers: Map<string, number>;
let labels: Map<string, number>;

beforeEach(async () => {
  [answers, labels, random] = [new Map(), new Map(), seededUniform(7)];
  ground = await layServingGround();
  await ground.deploy({ bias: bias.champion });
  canary = await ground.deploy({ bias: bias.canary, weight: 50 });
  serving = await startTestGateway(ground, { random: () => random() });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await serving.close();
  await ground.stop();
});

/** Serves rows, half of the requests by the canary, and notes what it answered. */
async function serve(ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    const [temp, hum] = [Math.floor(random() * 50), Math.floor(random() * 50)];
    const { status, body } = await serving.ask(
      'POST /v2/models/bike/infer',
      inferBody([[temp, hum]], { prediction_id: id, prediction_ids: [id] }),
    );
    expect(status).toBe(200);
    if (body.parameters.release === canary.release.digest) answers.set(id, body.outputs[0].data[0]);
  }
}

async function flush(): Promise<void> {
  const where = { project: 'default', model: 'bike', environment: 'production' };
  expect((await serving.ask('POST /v1/flush', where)).status).toBe(200);
}

async function label(id: string, value: number): Promise<void> {
  labels.set(id, value);
  await ground.repositories.monitoring.addLabels(ground.scope, [{ id, value }], ground.operator);
}

/** What the canary's metric is, from what was answered and labelled. */
function expected(): string | undefined {
  const errors = [...answers].flatMap(([id, answer]) => {
    const value = labels.get(id);
    return value === undefined ? [] : [Math.abs(answer - value)];
  });
  if (errors.length === 0) return undefined;
  const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
  return `mae ${mean.toPrecision(6)} of the canary is above -1 (${errors.length} labelled answers)`;
}

function look(): Promise<string | undefined> {
  const metric = createCanaryMetric({
    repositories: ground.repositories,
    objectStore: ground.objectStore,
    tableEngine: bench.engine,
    derivedFiles: keepDerivedFiles({ folder: join(ground.home, 'derived'), bytesAtMost: 2 ** 24 }),
    gateways: { flush, send: () => expect.unreachable() },
    clock: createSystemClock(),
    logger: createLogger({ name: 'test', level: 'silent' }),
    scratchFolder: join(ground.home, 'activities'),
  });
  const { generation, release } = canary;
  return metric({
    scope: ground.scope,
    canary: { generation, releaseDigest: release.digest },
    // Any error is above this limit, so that the reason tells the metric.
    metric: { name: 'mae', max: -1, minLabels: 1 },
  });
}

const idsOf = (round: number) => Array.from({ length: 12 }, (_, row) => `p${round}-${row}`);

test('a canary is judged by late and corrected labels, and each segment is read once', async () => {
  const read = vi.spyOn(bench.engine, 'keepAnswers');
  await serve(idsOf(0));
  expect(await look()).toBeUndefined();
  // Without labels, nothing is read.
  expect(read).not.toHaveBeenCalled();
  for (const id of idsOf(0).slice(0, 5)) await label(id, 20);
  expect(await look()).toBe(expected());
  expect(read).toHaveBeenCalledTimes(1);
  await serve(idsOf(1));
  for (const id of [...idsOf(0), ...idsOf(1).slice(3)]) await label(id, Math.floor(random() * 90));
  expect(await look()).toBe(expected());
  expect(read.mock.calls.map(([{ segments }]) => segments.length)).toEqual([1, 1]);
  await label('p0-0', 1);
  expect(await look()).toBe(expected());
  expect(read).toHaveBeenCalledTimes(2);
  // Kept answers may be lost.
  await rm(join(ground.home, 'derived'), { recursive: true });
  expect(await look()).toBe(expected());
  expect(read.mock.calls.map(([{ segments }]) => segments.length)).toEqual([1, 1, 2]);
});

test('a segment whose summary has no answer of the canary is not read', async () => {
  const counting: Counting = { features: {}, prediction: { kind: 'numeric', bounds: [10] } };
  await ground.repositories.monitoring.useCounting(ground.scope, { key: sha256OfJson(counting), counting });
  const read = vi.spyOn(bench.engine, 'keepAnswers');
  await serve(idsOf(0));
  for (const id of idsOf(0)) await label(id, 20);
  await flush();
  const both = random;
  random = () => 0.9;
  await serve(idsOf(1));
  for (const id of idsOf(1)) await label(id, 20);
  await flush();
  random = both;
  expect(await look()).toBe(expected());
  expect(read.mock.calls.map(([{ segments }]) => segments.length)).toEqual([1]);
});

test('of predictions with one id the first counts, whichever release answered it', async () => {
  await serve(idsOf(0));
  await flush();
  for (const id of idsOf(0)) await label(id, 3);
  const before = expected();
  expect(await look()).toBe(before);
  const first = new Map(answers);
  await serve(idsOf(0));
  answers = first;
  expect(await look()).toBe(before);
});

test('kept answers give the same judgement as all rows of all segments', async () => {
  for (let round = 0; round < 4; round += 1) {
    await serve(idsOf(round));
    await flush();
  }
  for (let round = 0; round < 4; round += 1)
    for (const id of idsOf(round).slice(round)) await label(id, random() * 150);
  const kept = await look();
  const readServed = vi.spyOn(bench.engine, 'readServed');
  vi.spyOn(ground.repositories.monitoring, 'haveDistinctIds').mockResolvedValue(false);
  expect(await look()).toBe(kept);
  expect(readServed.mock.calls.map(([{ segments }]) => segments.length)).toEqual([4]);
  expect(kept).toBe(expected());
});
