import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ConfigurationInput } from '../../contracts/configuration/configuration.ts';
import type { GatewayProcess } from '../support/gateway-process.ts';
import { endGatewayProcesses, startGatewayProcess } from '../support/gateway-process.ts';
import type { ServingGround } from '../support/serving-ground.ts';
import { inferBody, layServingGround, untilReady } from '../support/serving-ground.ts';
import type { SmallDisk } from '../support/small-disk.ts';
import { mountSmallDisk } from '../support/small-disk.ts';

const within = { timeout: 20_000, interval: 50 };

// The small disk is a tmpfs, which only Linux can mount. .ci/run runs on Linux.
describe.skipIf(process.platform !== 'linux')('a gateway on a small disk of its own', () => {
  let ground: ServingGround;
  let disk: SmallDisk;
  /** The gateway's home on the small disk; the object store is on another disk. */
  let home: string;

  async function lay(log: NonNullable<ConfigurationInput['serve']>['log']): Promise<void> {
    ground = await layServingGround({ serve: { log } });
    await symlink(join(ground.home, 'objects'), join(home, 'objects'));
    await ground.deploy({ bias: 100 });
  }

  beforeEach(async () => {
    disk = await mountSmallDisk(24);
    home = join(disk.folder, 'home');
    await mkdir(home);
  });
  afterEach(async () => {
    await endGatewayProcesses();
    await disk.unmount();
    await ground.stop();
  });

  const start = () => startGatewayProcess(ground, ground.database.url, home);

  async function predict(gateway: GatewayProcess, ...ids: string[]): Promise<{ status: number; error?: string }> {
    const body = inferBody(
      ids.map(() => [1, 2]),
      { prediction_ids: ids },
    );
    const answer = await gateway.ask('POST /v2/models/bike/infer', body);
    return { status: answer.status, error: answer.body.error };
  }

  async function problems(gateway: GatewayProcess): Promise<string> {
    const { status, body } = await gateway.ask('GET /readyz', undefined, { key: null });
    expect(status).toBe(200);
    return body.problems.join('; ');
  }

  const full = () => `the disk of ${join(home, 'gateway')} is full (ENOSPC)`;

  function flush(gateway: GatewayProcess) {
    return gateway.ask('POST /v1/flush', { project: 'default', model: 'bike', environment: 'production' });
  }

  async function uploaded(): Promise<{ readonly rows: number; readonly dropped: number }> {
    const { monitoring } = ground.repositories;
    const segments = await monitoring.segments(ground.scope, '2000-01-01T00:00:00.000Z', '2100-01-01T00:00:00.000Z');
    return {
      rows: segments.reduce((sum, { rows }) => sum + rows, 0),
      dropped: segments.reduce((sum, { dropped }) => sum + dropped, 0),
    };
  }

  test('reports a full disk, counts dropped rows, and recovers by itself when there is room', async () => {
    await lay({ onFull: 'drop-counted' });
    const gateway = await start();
    await untilReady(gateway.address);
    expect(await predict(gateway, 'before')).toMatchObject({ status: 200 });
    disk.fill();
    for (let i = 0; i < 20; i += 1) expect(await predict(gateway, `full-${i}`)).toMatchObject({ status: 200 });
    await expect.poll(() => problems(gateway), within).toContain(full());
    expect((await gateway.ask('GET /metrics')).body).toMatch(/^perennial_disk_full 1$/m);
    expect((await gateway.ask('GET /v2/models/bike/ready')).status).toBe(200);
    expect(gateway.said.filter((line) => line.includes(full()))).toHaveLength(1);

    disk.makeRoom();
    await expect.poll(() => problems(gateway), within).toBe('');
    expect(await predict(gateway, 'after')).toMatchObject({ status: 200 });
    expect((await flush(gateway)).status).toBe(200);
    const { rows, dropped } = await uploaded();
    expect(rows + dropped).toBe(22);
    expect(dropped).toBeGreaterThan(0);
    expect(gateway.said.filter((line) => line.includes('the disk has room again'))).toHaveLength(1);
  });

  test('refuses requests with the reason if the model requires logging, and logs the answered ones', async () => {
    await lay({ onFull: 'refuse' });
    const gateway = await start();
    await untilReady(gateway.address);
    const answered: string[] = [];
    const ask = async (id: string) => {
      const { status, error } = await predict(gateway, id);
      if (status === 200) answered.push(id);
      return status === 200 ? 'answered' : `${status}: ${error}`;
    };
    await ask('before');
    disk.fill();
    await expect.poll(() => ask(`full-${answered.length}`), within).toContain(`503: `);
    expect(await ask('refused')).toContain(full());
    expect((await gateway.ask('GET /v2/models/bike/ready')).body.error).toContain(full());
    // Log rows written before remain readable for a gateway that is killed now and restarts on the full disk.
    expect(await gateway.end('SIGKILL')).toBe('SIGKILL');
    const after = await start();
    await untilReady(after.address);
    expect((await after.ask('GET /readyz')).body.problems.join()).toContain(full());

    disk.makeRoom();
    await expect.poll(() => problems(after), within).toBe('');
    expect(await predict(after, 'after')).toEqual({ status: 200 });
    await expect.poll(async () => (await flush(after)).body, within).toEqual({ flushed: true });
    expect(await uploaded()).toEqual({ rows: answered.length + 1, dropped: 0 });
  });

  test('serves even if the disk is full at its first start', async () => {
    await lay({ onFull: 'drop-counted' });
    await mkdir(join(home, 'gateway'));
    disk.fill();
    const gateway = await start();
    await untilReady(gateway.address);
    expect(await predict(gateway, 'one')).toMatchObject({ status: 200 });
    expect(await problems(gateway)).toContain(full());
    disk.makeRoom();
    await expect.poll(() => problems(gateway), within).toBe('');
  });
});
