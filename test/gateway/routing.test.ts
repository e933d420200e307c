import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PredictionRecord } from '../../contracts/serving/prediction.ts';
import { loggedRecords } from '../support/logged-records.ts';
import type { Deployed, ServingGround, TestGateway } from '../support/serving-ground.ts';
import { inferBody, layServingGround, startTestGateway } from '../support/serving-ground.ts';

let ground: ServingGround;
let serving: TestGateway;
let canary: Deployed;

beforeAll(async () => {
  ground = await layServingGround({ deploy: { routingKey: 'parameters.user' } });
  await ground.deploy({ bias: 100 });
  canary = await ground.deploy({ bias: 200, weight: 30 });
  // Evenly spread over [0, 1), so that the test does not depend on chance.
  let position = 0;
  serving = await startTestGateway(ground, { random: () => (position = (position + 0.618_033_988_749_895) % 1) });
});
afterAll(async () => {
  await serving.close();
  await ground.stop();
});

async function versionFor(parameters: Record<string, unknown>, asked = {}): Promise<number> {
  const { status, body } = await serving.ask('POST /v2/models/bike/infer', inferBody([[1, 2]], parameters), asked);
  if (status !== 200) throw new Error(`${status}: ${body.error}`);
  return Number(body.model_version);
}

async function shareOfCanary(parameters: (i: number) => Record<string, unknown>, requests: number): Promise<number> {
  const versions = await Promise.all(Array.from({ length: requests }, (_, i) => versionFor(parameters(i))));
  return versions.filter((version) => version === canary.version).length / requests;
}

test('requests with the same routing key always get the same version', async () => {
  for (const user of ['ann', 'bo', 'cy', 17, true]) {
    const versions = await Promise.all(Array.from({ length: 10 }, () => versionFor({ user })));
    expect(new Set(versions).size).toBe(1);
  }
});

test('the canary gets its weight of the routing keys, and of the requests without one', async () => {
  expect(await shareOfCanary((user) => ({ user: `user-${user}` }), 1_000)).toBeCloseTo(0.3, 1);
  expect(await shareOfCanary(() => ({}), 1_000)).toBeCloseTo(0.3, 1);
});

test('a routing key that the canary has served stays with it as its weight rises', async () => {
  const users = Array.from({ length: 100 }, (_, user) => ({ user: `steady-${user}` }));
  const before = await Promise.all(users.map((user) => versionFor(user)));
  const raised = await ground.deploy({ bias: 300, weight: 60 });
  await expect
    .poll(async () => (await serving.ask('GET /v2/models/bike')).body.versions, { timeout: 10_000 })
    .toContain(String(raised.version));
  const after = await Promise.all(users.map((user) => versionFor(user)));
  const met = before.flatMap((version, at) => (version === canary.version ? [at] : []));
  expect(met.length).toBeGreaterThan(10);
  for (const at of met) expect(after[at]).toBe(raised.version);
  expect(after.filter((version) => version === raised.version).length).toBeGreaterThan(met.length);
});

test('a rehearsal sets event times and replays to a named release, and its logged rows say so', async () => {
  const scope = await ground.rehearsal('rehearsal-one');
  const first = await ground.deploy({ bias: 100, scope });
  const second = await ground.deploy({ bias: 200, weight: 10, scope });
  const key = await ground.addKey('rehearsal-one', [
    { role: 'approver', project: 'default', environment: 'rehearsal-one' },
  ]);
  const asked = { key, headers: { 'perennial-environment': 'rehearsal-one' } };
  await expect
    .poll(
      () =>
        versionFor(
          { event_times: ['2012-02-01T00:00:00-05:00'], prediction_ids: ['then'], replay: 'canary' },
          asked,
        ).catch(() => 0),
      { timeout: 10_000 },
    )
    .toBe(second.version);
  expect(
    await versionFor({ event_times: ['2012-02-01T01:00:00Z'], prediction_ids: ['later'], replay: 'champion' }, asked),
  ).toBe(first.version);
  const rows = await loggedRows();
  expect(rows.find(({ id }) => id === 'then')).toMatchObject({
    eventTime: '2012-02-01T05:00:00.000Z',
    replay: true,
    role: 'canary',
  });
  expect(rows.find(({ id }) => id === 'later')).toMatchObject({
    eventTime: '2012-02-01T01:00:00.000Z',
    replay: true,
    role: 'champion',
  });
  const refused = await serving.ask(
    'POST /v2/models/bike/infer',
    inferBody([[1, 2]], { event_times: ['yesterday'] }),
    asked,
  );
  expect(refused.status).toBe(400);
  const elsewhere = await serving.ask('POST /v2/models/bike/infer', inferBody([[1, 2]]), { key });
  expect(elsewhere.status).toBe(403);
});

function loggedRows(): Promise<PredictionRecord[]> {
  return loggedRecords(ground.home);
}
