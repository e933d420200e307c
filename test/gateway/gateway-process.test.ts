import { appendFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ServingGround } from '../support/serving-ground.ts';
import { inferBody, layServingGround, matrixSignature, untilReady } from '../support/serving-ground.ts';
import type { GatewayProcess } from '../support/gateway-process.ts';
import { endGatewayProcesses, startGatewayProcess } from '../support/gateway-process.ts';
import type { TcpProxy } from '../support/tcp-proxy.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';

const within = { timeout: 20_000, interval: 50 };
let ground: ServingGround;
let door: TcpProxy;

beforeEach(async () => {
  ground = await layServingGround();
  door = await startTcpProxy(ground.database.url);
});
afterEach(async () => {
  await endGatewayProcesses();
  await door.shut();
  await ground.stop();
});

async function predict(gateway: GatewayProcess, id?: string): Promise<number | string> {
  const parameters = id === undefined ? {} : { prediction_ids: [id] };
  const { status, body } = await gateway.ask('POST /v2/models/bike/infer', inferBody([[1, 2]], parameters));
  return status === 200 ? Number(body.outputs[0].data[0]) : `${status}: ${body.error}`;
}

async function localSegments(): Promise<string[]> {
  const names = await readdir(join(ground.home, 'gateway', 'segments')).catch(() => []);
  return names.filter((name) => name.endsWith('.blocks'));
}

function uploaded() {
  return ground.repositories.monitoring.segments(ground.scope, '2000-01-01T00:00:00.000Z', '2100-01-01T00:00:00.000Z');
}

test('a gateway holds a lease, acknowledges what it has loaded, and serves the next generation once it is raised', async () => {
  const first = await ground.deploy({ bias: 100 });
  const gateway = await startGatewayProcess(ground);
  const { deployments } = ground.repositories;
  await expect
    .poll(async () => (await deployments.acknowledgements(ground.scope, first.generation)).loaded, within)
    .toHaveLength(1);
  const [lease] = await deployments.liveGateways();
  expect(lease?.address).toBe(gateway.address);
  expect(await predict(gateway)).toBe(103);

  const second = await ground.deploy({ bias: 200 });
  await expect
    .poll(async () => (await deployments.acknowledgements(ground.scope, second.generation)).loaded, within)
    .toEqual([lease?.id]);
  expect(await predict(gateway)).toBe(203);
  // The previous release stays loaded, so that a rollback is immediate.
  expect((await gateway.ask(`GET /v2/models/bike/versions/${first.version}/ready`)).status).toBe(200);
});

test('a generation that cannot be loaded leaves the previous one serving, and the database records the reason', async () => {
  await ground.deploy({ bias: 100 });
  const gateway = await startGatewayProcess(ground);
  await expect.poll(() => predict(gateway), within).toBe(103);
  const broken = await ground.deployModel(Buffer.from('no model'), matrixSignature);
  const { deployments } = ground.repositories;
  await expect
    .poll(async () => (await deployments.acknowledgements(ground.scope, broken.generation)).failed[0]?.error, within)
    .toContain('not an ONNX model');
  expect(await predict(gateway)).toBe(103);
});

test.each([
  ['altered', (file: string) => writeFile(file, 'other bytes'), /SHA-256/],
  ['missing', () => Promise.resolve(), /has no blob [0-9a-f]{64}/],
])(
  'an artifact that is %s in the store is not served, and the database records the reason',
  async (_what, put, said) => {
    const { generation } = await ground.deploy({ bias: 100 });
    const folder = join(ground.home, 'objects');
    const stored = (await readdir(folder, { recursive: true })).find((path) => /[0-9a-f]{64}$/.test(path)) ?? '';
    await rm(join(folder, stored));
    await put(join(folder, stored));
    const gateway = await startGatewayProcess(ground);
    const { deployments } = ground.repositories;
    await expect
      .poll(async () => (await deployments.acknowledgements(ground.scope, generation)).failed[0]?.error, within)
      .toMatch(said);
    expect(await predict(gateway)).toMatch(/^(404|503): /);
  },
);

test('requests before the first read of the database are refused and may be tried again', async () => {
  await ground.deploy({ bias: 100 });
  await door.shut();
  const gateway = await startGatewayProcess(ground, door.url);
  const { status, body } = await gateway.ask('POST /v2/models/bike/infer', inferBody([[1, 2]]));
  // Without a copy of the keys, the gateway knows no caller either.
  expect(status).toBe(401);
  expect(body.error).toContain('key');
  expect((await gateway.ask('GET /v2/health/ready')).status).toBe(503);
  await door.open();
  await expect.poll(() => predict(gateway), within).toBe(103);
});

test('a gateway keeps serving while the database is down, and catches up afterwards', async () => {
  await ground.deploy({ bias: 100 });
  const gateway = await startGatewayProcess(ground, door.url);
  await expect.poll(() => predict(gateway), within).toBe(103);
  await door.shut();
  const whileAway = await ground.deploy({ bias: 200 });
  for (let i = 0; i < 20; i += 1) expect(await predict(gateway, `away-${i}`)).toBe(103);
  const flush = await gateway.ask('POST /v1/flush', { project: 'default', model: 'bike', environment: 'production' });
  expect(flush.status).toBe(503);
  expect(flush.body.error).toContain("could not be uploaded and stay on the gateway's disk");
  expect(await localSegments()).toHaveLength(1);

  await door.open();
  const { deployments } = ground.repositories;
  await expect
    .poll(async () => (await deployments.acknowledgements(ground.scope, whileAway.generation)).loaded, within)
    .toHaveLength(1);
  expect(await predict(gateway)).toBe(203);
  await expect
    .poll(async () => (await uploaded()).reduce((sum, segment) => sum + segment.rows, 0), within)
    .toBeGreaterThanOrEqual(20);
});

test('a restart without the database and the object store serves the same releases to the same callers', async () => {
  await ground.deploy({ bias: 100 });
  const before = await startGatewayProcess(ground, door.url);
  await expect.poll(() => predict(before), within).toBe(103);
  await expect
    .poll(async () => (await readdir(join(ground.home, 'gateway'))).toSorted(), within)
    .toEqual(expect.arrayContaining(['gateway.json', 'keys.json', 'serving-table.json']));
  expect(await before.end('SIGKILL')).toBe('SIGKILL');
  await door.shut();
  await rename(join(ground.home, 'objects'), join(ground.home, 'objects-away'));

  const after = await startGatewayProcess(ground, door.url);
  await untilReady(after.address);
  expect(await predict(after)).toBe(103);
  expect((await after.ask('POST /v2/models/bike/infer', inferBody([[1, 2]]), { key: 'a-stranger' })).status).toBe(401);
  await rename(join(ground.home, 'objects-away'), join(ground.home, 'objects'));
});

test('the rows of a killed gateway are uploaded at its next start, except for an incomplete block', async () => {
  const { generation } = await ground.deploy({ bias: 100 });
  const killed = await startGatewayProcess(ground);
  await expect.poll(() => predict(killed), within).toBe(103);
  await Promise.all(Array.from({ length: 50 }, (_, i) => predict(killed, `kept-${i}`)));
  const { deployments } = ground.repositories;
  const told = async () => (await deployments.served(ground.scope, generation)).map(({ requests }) => requests);
  await expect.poll(told, within).toEqual([expect.any(Number)]);
  await killed.end('SIGKILL');
  const [before] = await told();
  const [segment] = await localSegments();
  const path = join(ground.home, 'gateway', 'segments', segment!);
  await appendFile(path, (await readFile(path)).subarray(0, 100));

  const after = await startGatewayProcess(ground);
  await expect.poll(async () => (await uploaded()).map(({ rows }) => rows), within).toEqual([expect.any(Number)]);
  const [stored] = await uploaded();
  expect(stored!.rows).toBeGreaterThanOrEqual(51);
  expect(await ground.objectStore.size(stored!.sha256)).toBeGreaterThan(0);
  await expect.poll(localSegments, within).toEqual([]);
  await untilReady(after.address);
  // The gateway has the same identity and continues to count where it stopped.
  for (let i = 0; i < 5; i += 1) await predict(after);
  await expect.poll(async () => (await told())[0], within).toBeGreaterThanOrEqual(before! + 5);
});

test('SIGTERM ends the lease, uploads the log, and exits with 0', async () => {
  await ground.deploy({ bias: 100 });
  const gateway = await startGatewayProcess(ground);
  await expect.poll(() => predict(gateway), within).toBe(103);
  await expect.poll(async () => ground.repositories.deployments.liveGateways(), within).toHaveLength(1);
  for (let i = 0; i < 10; i += 1) await predict(gateway, `last-${i}`);
  expect(await gateway.end('SIGTERM')).toBe(0);
  expect(await ground.repositories.deployments.liveGateways()).toEqual([]);
  expect((await uploaded()).reduce((sum, segment) => sum + segment.rows, 0)).toBeGreaterThanOrEqual(11);
  expect(await localSegments()).toEqual([]);
});

test('SIGTERM without the database exits with 0 in bounded time, and the rows stay on disk', async () => {
  await ground.deploy({ bias: 100 });
  const gateway = await startGatewayProcess(ground, door.url);
  await expect.poll(() => predict(gateway), within).toBe(103);
  await door.shut();
  await predict(gateway);
  const begun = performance.now();
  expect(await gateway.end('SIGTERM')).toBe(0);
  expect(performance.now() - begun).toBeLessThan(8_000);
  expect(await localSegments()).toHaveLength(1);
});

test('a second gateway in the same folder does not start, and the first one is unaffected', async () => {
  await ground.deploy({ bias: 100 });
  const first = await startGatewayProcess(ground);
  await expect(startGatewayProcess(ground)).rejects.toThrow('another gateway keeps its state in');
  await expect.poll(() => predict(first), within).toBe(103);
});

test('a starting gateway removes the working files of a killed one, and none of a running one', async () => {
  const scratch = join(ground.home, 'gateway', 'scratch');
  const first = await startGatewayProcess(ground);
  await mkdir(join(scratch, 'call-under-way'), { recursive: true });
  await writeFile(join(scratch, 'artifact.part'), 'half');
  await expect(startGatewayProcess(ground)).rejects.toThrow('another gateway keeps its state in');
  expect(await readdir(scratch)).toEqual(expect.arrayContaining(['call-under-way', 'artifact.part']));
  await first.end('SIGKILL');
  await startGatewayProcess(ground);
  const left = await readdir(scratch).catch(() => []);
  expect(left.filter((name) => ['call-under-way', 'artifact.part'].includes(name))).toEqual([]);
});
