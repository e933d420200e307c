import { write } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { PredictionLog } from '../../gateway/log/prediction-log.ts';
import type { WriteBytes } from '../../gateway/log/segment-file.ts';
import type { GatewayProcess } from '../support/gateway-process.ts';
import { endGatewayProcesses, startGatewayProcess } from '../support/gateway-process.ts';
import { loggedRecords } from '../support/logged-records.ts';
import type { ServingGround, TestGateway } from '../support/serving-ground.ts';
import { inferBody, layServingGround, startTestGateway, untilReady } from '../support/serving-ground.ts';

const within = { timeout: 30_000, interval: 50 };
let ground: ServingGround;

beforeEach(async () => {
  ground = await layServingGround({ serve: { log: { onFull: 'refuse' } } });
  await ground.deploy({ bias: 100 });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await endGatewayProcesses();
  await ground.stop();
});

const bodyOf = (...ids: readonly string[]) =>
  inferBody(
    ids.map(() => [1, 2]),
    { prediction_ids: ids },
  );

/** Holds the writes of the log until they are released. */
class HeldWrites {
  readonly #asked = Promise.withResolvers<void>();
  #held: (() => void)[] | undefined = [];

  readonly write: WriteBytes = (...given) => {
    this.#asked.resolve();
    if (this.#held) this.#held.push(() => write(...given));
    else write(...given);
  };

  /** Resolves when the log has asked for a write. */
  get asked(): Promise<void> {
    return this.#asked.promise;
  }

  release(): void {
    for (const begin of this.#held ?? []) begin();
    this.#held = undefined;
  }
}

describe('while the write of rows is under way', () => {
  let held: HeldWrites;
  let serving: TestGateway;

  beforeEach(async () => {
    held = new HeldWrites();
    serving = await startTestGateway(ground, { writeLog: held.write });
  });
  afterEach(async () => {
    held.release();
    await serving.close();
  });

  const ask: Readonly<Record<string, () => Promise<{ readonly status: number }>>> = {
    'Open Inference': () => serving.ask('POST /v2/models/bike/infer', bodyOf('p1', 'p2')),
    '/invocations': () => serving.ask('POST /invocations?model=bike', { inputs: { temp: [1], hum: [2] } }),
  };

  /** Asks, and returns whether an answer arrives although the write is held. */
  async function isAnsweredBeforeWritten(protocol: string): Promise<boolean> {
    let answered = false;
    const answers = Array.from({ length: 4 }, async () => {
      const answer = await ask[protocol]!();
      answered = true;
      return answer.status;
    });
    await held.asked;
    expect(await loggedRecords(ground.home)).toEqual([]);
    // Other requests are answered meanwhile, so that an answer that is ready has time to arrive.
    for (let i = 0; i < 50 && !answered; i += 1) expect((await serving.ask('GET /v2/models/bike')).status).toBe(200);
    const before = answered;
    held.release();
    expect(await Promise.all(answers)).toEqual([200, 200, 200, 200]);
    return before;
  }

  test.each(Object.keys(ask))('no answer leaves the gateway (%s)', async (protocol) => {
    expect(await isAnsweredBeforeWritten(protocol)).toBe(false);
    expect((await loggedRecords(ground.home)).length).toBeGreaterThanOrEqual(4);
  });

  test.each(Object.keys(ask))('a log that lets the gateway answer first is noticed (%s)', async (protocol) => {
    const append = PredictionLog.prototype.append;
    vi.spyOn(PredictionLog.prototype, 'append').mockImplementation(function first(this: PredictionLog, ...given) {
      void append.apply(this, given);
      return Promise.resolve(0);
    });
    expect(await isAnsweredBeforeWritten(protocol)).toBe(true);
  });
});

test('a write that fails half-way refuses its request and leaves nothing of it', async () => {
  let refused = false;
  const writeLog: WriteBytes = (descriptor, bytes, offset, length, position, done) => {
    if (refused && offset > 50) done(new Error('EIO: i/o error, write'), 0);
    else write(descriptor, bytes, offset, Math.min(length, 60), position, done);
  };
  const serving = await startTestGateway(ground, { writeLog });
  try {
    const infer = async (...ids: readonly string[]) =>
      (await serving.ask('POST /v2/models/bike/infer', bodyOf(...ids))).status;
    expect(await infer('p1', 'p2')).toBe(200);
    refused = true;
    expect(await infer('lost')).toBe(503);
    refused = false;
    expect(await infer('p3')).toBe(200);
    expect((await loggedRecords(ground.home)).map(({ id }) => id)).toEqual(['p1', 'p2', 'p3']);
    expect((await readdir(join(ground.home, 'gateway', 'segments'))).length).toBe(2);
  } finally {
    await serving.close();
  }
});

test('a log that breaks in the middle of a large request counts the rows that it did not write', async () => {
  let writes = 0;
  const writeLog: WriteBytes = (descriptor, bytes, offset, length, position, done) => {
    writes += 1;
    if (writes === 3) done(new Error('EIO: i/o error, write'), 0);
    else write(descriptor, bytes, offset, length, position, done);
  };
  const serving = await startTestGateway(ground, { writeLog });
  try {
    const ids = Array.from({ length: 10_000 }, (_, row) => `p${row}`);
    expect((await serving.ask('POST /v2/models/bike/infer', bodyOf(...ids))).status).toBe(503);
    const logged = (await loggedRecords(ground.home)).map(({ id }) => id);
    expect(logged.length).toBeGreaterThan(0);
    expect(logged).toEqual(ids.slice(0, logged.length));
    const dropped = ids.length - logged.length;
    expect((await serving.ask('GET /metrics')).body).toContain(
      `perennial_prediction_log_dropped_total{project="default",model="bike",environment="production"} ${dropped}`,
    );
    expect((await serving.ask('POST /v2/models/bike/infer', bodyOf('next'))).status).toBe(200);
    const { project, model, environment } = ground.scope;
    expect((await serving.ask('POST /v1/flush', { project, model, environment })).status).toBe(200);
    const { monitoring } = ground.repositories;
    const segments = await monitoring.segments(ground.scope, '2000-01-01T00:00:00.000Z', '2100-01-01T00:00:00.000Z');
    expect(segments).toMatchObject([{ rows: logged.length + 1, dropped }]);
  } finally {
    await serving.close();
  }
});

test('requests of one turn of the event loop are written together', async () => {
  const held = new HeldWrites();
  let writes = 0;
  const serving = await startTestGateway(ground, {
    writeLog: (...given) => {
      writes += 1;
      held.write(...given);
    },
  });
  try {
    const append = vi.spyOn(PredictionLog.prototype, 'append');
    const infer = (id: string) => serving.ask('POST /v2/models/bike/infer', bodyOf(id));
    const first = infer('p0');
    await held.asked;
    const others = Array.from({ length: 20 }, (_, at) => infer(`p${at + 1}`));
    await expect.poll(() => append.mock.calls.length, within).toBe(21);
    held.release();
    await Promise.all([first, ...others]);
    expect(writes).toBe(2);
    expect(await loggedRecords(ground.home)).toHaveLength(21);
  } finally {
    held.release();
    await serving.close();
  }
});

/** Sends requests on one connection after the other, until the gateway is killed, and notes the ids of answered rows. */
async function load(gateway: GatewayProcess, name: string, onAnswer: (ids: readonly string[]) => void): Promise<void> {
  for (let at = 0; ; at += 1) {
    const ids = Array.from({ length: (at % 5) + 1 }, (_, row) => `${name}-${at}-${row}`);
    const answer = await gateway.ask('POST /v2/models/bike/infer', bodyOf(...ids)).catch(() => undefined);
    if (answer?.status !== 200) return;
    onAnswer(ids);
  }
}

test.each([1, 400])('a gateway that is killed at answer %i, under load, loses no answered row', async (fatal) => {
  const killed = await startGatewayProcess(ground);
  await untilReady(killed.address);
  const answered: string[] = [];
  let answers = 0;
  let ended: Promise<unknown> | undefined;
  await Promise.all(
    Array.from({ length: 8 }, (_, connection) =>
      load(killed, `c${connection}`, (ids) => {
        answered.push(...ids);
        answers += 1;
        if (answers === fatal) ended = killed.end('SIGKILL');
      }),
    ),
  );
  expect(await ended).toBe('SIGKILL');
  expect(answers).toBeGreaterThanOrEqual(fatal);

  await startGatewayProcess(ground);
  const { monitoring } = ground.repositories;
  const segments = () => monitoring.segments(ground.scope, '2000-01-01T00:00:00.000Z', '2100-01-01T00:00:00.000Z');
  await expect.poll(async () => (await segments()).length, within).toBe(1);
  const labels = answered.map((id) => ({ id, value: 1 }));
  expect(await monitoring.hasUnknown(ground.scope, labels)).toBe(false);
  expect((await segments())[0]?.rows).toBeGreaterThanOrEqual(answered.length);
});
