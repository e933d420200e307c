import { mkdir, readFile, symlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startBalancer } from '../support/balancer.ts';
import type { GatewayProcess } from '../support/gateway-process.ts';
import { endGatewayProcesses, startGatewayProcess } from '../support/gateway-process.ts';
import type { ServingGround } from '../support/serving-ground.ts';
import { ask, inferBody, layServingGround, untilReady } from '../support/serving-ground.ts';

const within = { timeout: 20_000, interval: 20 };
let ground: ServingGround;

beforeEach(async () => {
  ground = await layServingGround();
  await ground.deploy({ bias: 100 });
});
afterEach(async () => {
  await endGatewayProcesses();
  await ground.stop();
});

const infer = 'POST /v2/models/bike/infer';

function start(settings: Record<string, string>, home = ground.home): Promise<GatewayProcess> {
  return startGatewayProcess(ground, ground.database.url, home, settings);
}

function portOf(gateway: GatewayProcess): string {
  return new URL(gateway.address).port;
}

test('a stopping gateway becomes unready at once, answers until its drain ends, and uploads its whole log', async () => {
  const gateway = await start({ PERENNIAL_GATEWAY_DRAIN: '2s' });
  await untilReady(gateway.address);
  const live = () => ground.repositories.deployments.liveGateways();
  await expect.poll(live, within).toHaveLength(1);
  const begun = performance.now();
  const ended = gateway.end('SIGTERM');
  const readiness = async () => (await gateway.ask('GET /readyz', undefined, { key: null })).status;
  await expect.poll(readiness, within).toBe(503);
  expect((await gateway.ask('GET /readyz')).body).toEqual({ status: 'unready', problems: ['the gateway is stopping'] });
  expect((await gateway.ask('GET /v2/health/ready', undefined, { key: null })).status).toBe(503);
  expect((await gateway.ask('GET /v2/models/bike/ready')).status).toBe(503);
  expect((await gateway.ask('GET /v2/health/live')).status).toBe(200);
  // Deployments no longer wait for this gateway.
  await expect.poll(live, within).toEqual([]);
  const { status, headers } = await gateway.ask(infer, inferBody([[1, 2]]));
  expect([status, headers.get('connection')]).toEqual([200, 'close']);
  expect(await ended).toBe(0);
  expect(performance.now() - begun).toBeGreaterThan(1_900);
  const { monitoring } = ground.repositories;
  const segments = await monitoring.segments(ground.scope, '2000-01-01T00:00:00.000Z', '2100-01-01T00:00:00.000Z');
  expect(segments.map(({ rows }) => rows)).toEqual([1]);
});

test('a second signal ends the drain', async () => {
  const gateway = await start({ PERENNIAL_GATEWAY_DRAIN: '60s' });
  await untilReady(gateway.address);
  const ended = gateway.end('SIGTERM');
  await expect.poll(async () => (await gateway.ask('GET /readyz')).status, within).toBe(503);
  const begun = performance.now();
  await gateway.end('SIGTERM');
  expect(await ended).toBe(0);
  expect(performance.now() - begun).toBeLessThan(10_000);
});

/** Uses a compile cache as the stack and docker-compose.yml do, because compilation is half of a start's cost. */
function compiled(): Record<string, string> {
  return { NODE_COMPILE_CACHE: join(ground.home, 'node') };
}

test('two gateways behind a balancer are restarted one after the other, and no request fails', async () => {
  const other = join(ground.home, 'other');
  await mkdir(other);
  await symlink(join(ground.home, 'objects'), join(other, 'objects'));
  const homes = [ground.home, other];
  const drain = { ...compiled(), PERENNIAL_GATEWAY_DRAIN: '1s' };
  const gateways = await Promise.all(homes.map((home) => start(drain, home)));
  await Promise.all(gateways.map(({ address }) => untilReady(address)));
  const balancer = await startBalancer(gateways.map(({ address }) => address));
  const statuses = new Map<number, number>();
  let over = false;
  const traffic = Array.from({ length: 2 }, async () => {
    while (!over) {
      // Limits each client to about fifty requests per second. No assertion depends on the pause.
      await new Promise((resolve) => setTimeout(resolve, 20));
      const { status } = await ask(balancer.address, ground.key, infer, inferBody([[1, 2]]));
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  });
  try {
    for (const [place, gateway] of gateways.entries()) {
      expect(await gateway.end('SIGTERM')).toBe(0);
      const after = await start({ ...drain, PERENNIAL_GATEWAY_PORT: portOf(gateway) }, homes[place]);
      await expect.poll(() => balancer.ready(), within).toContain(after.address);
    }
  } finally {
    over = true;
    await Promise.all(traffic);
    await balancer.close();
  }
  expect([...statuses.keys()]).toEqual([200]);
  expect(statuses.get(200)).toBeGreaterThan(20);
}, 180_000);

/** Restarts the gateway; resolves once it answers requests. */
async function restartUntilItAnswers(port: string, databaseUrl: string): Promise<GatewayProcess> {
  const settings = { ...compiled(), PERENNIAL_GATEWAY_PORT: port };
  const gateway = await startGatewayProcess(ground, databaseUrl, ground.home, settings);
  await expect.poll(async () => (await gateway.ask(infer, inferBody([[1, 2]]))).status, within).toBe(200);
  return gateway;
}

/** Returns the processor time in seconds that the process and its threads have used. */
async function processorSeconds(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

test('a restart of a single gateway takes less than two seconds of processor time', async () => {
  const gateway = await start(compiled());
  await untilReady(gateway.address);
  await gateway.end('SIGTERM');
  const taken: number[] = [];
  for (let attempt = 0; attempt < 2; attempt += 1) {
    const after = await restartUntilItAnswers(portOf(gateway), ground.database.url);
    taken.push(await processorSeconds(after.pid));
    await after.end('SIGTERM');
  }
  expect(Math.min(...taken)).toBeLessThan(2);
});

test('a restart does not wait for a database that accepts connections and never answers', async () => {
  const gateway = await start(compiled());
  await untilReady(gateway.address);
  await gateway.end('SIGTERM');
  const silent = createServer((socket) => socket.on('error', () => undefined).resume());
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const silentAddress = silent.address();
  if (silentAddress === null || typeof silentAddress === 'string') throw new Error('no port');
  const after = await restartUntilItAnswers(portOf(gateway), `postgres://nobody@127.0.0.1:${silentAddress.port}/none`);
  // The first statement times out after five seconds; releases on disk must serve before that.
  await expect.poll(() => after.said.join('\n'), within).toContain('the database cannot be read');
  const said = after.said.map((line) => String(JSON.parse(line).msg));
  expect(said.indexOf('a generation serves')).toBeLessThan(
    said.indexOf('the database cannot be read; the loaded generations keep serving'),
  );
  await after.end('SIGKILL');
  await new Promise((resolve) => silent.close(resolve));
});
