import { mkdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ConfigurationInput } from '../../contracts/configuration/configuration.ts';
import type { GatewayProcess } from '../support/gateway-process.ts';
import { endGatewayProcesses, startGatewayProcess } from '../support/gateway-process.ts';
import type { ServingGround } from '../support/serving-ground.ts';
import { inferBody, layServingGround, untilReady } from '../support/serving-ground.ts';
import type { TcpProxy } from '../support/tcp-proxy.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';

const within = { timeout: 20_000, interval: 50 };
let ground: ServingGround;
let door: TcpProxy;
let otherHome: string;

async function lay(serve: ConfigurationInput['serve']): Promise<void> {
  ground = await layServingGround({ serve });
  door = await startTcpProxy(ground.database.url);
  otherHome = join(ground.home, 'other');
  await mkdir(otherHome);
  await symlink(join(ground.home, 'objects'), join(otherHome, 'objects'));
}

beforeEach(() => lay({ maxStaleness: '1s' }));
afterEach(async () => {
  await endGatewayProcesses();
  await door.shut();
  await rm(otherHome, { recursive: true, force: true });
  await ground.stop();
});

async function predict(gateway: GatewayProcess) {
  const { status, headers, body } = await gateway.ask('POST /v2/models/bike/infer', inferBody([[1, 2]]));
  if (status !== 200) return { status, error: String(body.error) };
  return {
    value: Number(body.outputs[0].data[0]),
    header: headers.get('perennial-stale-seconds') !== null,
    stale: 'stale_seconds' in body.parameters,
  };
}

const fresh = (value: number) => ({ value, header: false, stale: false });
const stale = (value: number) => ({ value, header: true, stale: true });

test('a disconnected gateway marks old releases as stale, and is up to date when it reconnects', async () => {
  await ground.deploy({ bias: 100 });
  const near = await startGatewayProcess(ground);
  const far = await startGatewayProcess(ground, door.url, otherHome);
  const { deployments } = ground.repositories;
  await expect.poll(async () => (await deployments.liveGateways()).length, within).toBe(2);
  for (const gateway of [near, far]) await expect.poll(() => predict(gateway), within).toEqual(fresh(103));

  await door.shut();
  const second = await ground.deploy({ bias: 200 });
  await expect.poll(() => predict(near), within).toEqual(fresh(203));
  await expect.poll(() => predict(far), within).toEqual(stale(103));
  const metadata = await far.ask('GET /v2/models/bike');
  expect(metadata.body.parameters.stale_seconds).toBeGreaterThanOrEqual(1);
  expect((await near.ask('GET /v2/models/bike')).body.parameters).toBeUndefined();

  await door.open();
  await expect.poll(() => predict(far), within).toEqual(fresh(203));
  await expect
    .poll(async () => (await deployments.acknowledgements(ground.scope, second.generation)).loaded, within)
    .toHaveLength(2);
});

test('a gateway that restarts while disconnected reports the age of its stored state, not of its process', async () => {
  await ground.deploy({ bias: 100 });
  const before = await startGatewayProcess(ground, door.url, otherHome);
  await expect.poll(() => predict(before), within).toEqual(fresh(103));
  await before.end('SIGTERM');
  await door.shut();
  // Waits until the staleness limit has passed while the gateway is stopped.
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  const after = await startGatewayProcess(ground, door.url, otherHome);
  await untilReady(after.address);
  expect(await predict(after)).toEqual(stale(103));
});

test('a gateway refuses requests instead of serving stale releases if the model says so', async () => {
  await endGatewayProcesses();
  await door.shut();
  await ground.stop();
  await lay({ maxStaleness: '1s', onStale: 'refuse' });
  await ground.deploy({ bias: 100 });
  const far = await startGatewayProcess(ground, door.url, otherHome);
  await expect.poll(() => predict(far), within).toEqual(fresh(103));
  await door.shut();
  await expect
    .poll(() => predict(far), within)
    .toMatchObject({
      status: 503,
      error: expect.stringContaining('longer than serve.maxStaleness of bike/production'),
    });
  await door.open();
  await expect.poll(() => predict(far), within).toEqual(fresh(103));
});
