import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDiskSpace } from '../../adapters/disk-space/disk-space.ts';
import { PartLog } from '../../stack/parts/part-log.ts';
import { ProcessRegister } from '../../stack/processes/process-register.ts';
import { openStateFolder } from '../../stack/state-folder.ts';
import { runPerennial } from '../support/embedded-stack.ts';
import { mountSmallDisk } from '../support/small-disk.ts';
import type { SmallDisk } from '../support/small-disk.ts';
import { answers, StackHome } from './stack-under-test.ts';
import { until } from '../support/until.ts';

// The small disk is a tmpfs, which only Linux can mount. .ci/run runs on Linux.
describe.skipIf(process.platform !== 'linux')('on a small disk that is full', () => {
  let small: SmallDisk;
  let home: string;
  beforeAll(async () => {
    small = await mountSmallDisk(40);
    home = small.folder;
  });
  afterAll(() => small.unmount());

  it('the process register and the part logs raise no error, and catch up when there is room', async () => {
    const folder = openStateFolder(home);
    const log = new PartLog(folder.logs, 'part');
    writeFileSync(log.path, Buffer.alloc(17 * 2 ** 20));
    const register = new ProcessRegister(folder);
    const noted = { part: 'part', pid: 1, identity: 'x', signal: 'SIGTERM', patienceMs: 1, stage: 1 } as const;
    small.fill();
    expect(await createDiskSpace(home).complaint()).toContain(`the disk of ${home} is full (ENOSPC)`);
    log.bound();
    register.note(noted);
    register.forget(1);
    register.note(noted);
    small.makeRoom();
    log.bound();
    register.catchUp();
    expect(readFileSync(log.path)).toHaveLength(0);
    expect(readFileSync(`${log.path}.1`)).toHaveLength(17 * 2 ** 20);
    expect(JSON.parse(readFileSync(folder.processesFile, 'utf8'))).toMatchObject({ parts: [noted] });
    await register.end();
  });

  it.each(['up', 'up --detach'])('%s reports the full disk in one sentence', async (verb) => {
    small.fill();
    const { code, stderr } = await runPerennial(verb.split(' '), { PERENNIAL_HOME: join(home, 'new') });
    small.makeRoom();
    expect(code).toBe(1);
    expect(stderr.trim()).toMatch(/the disk of .*\/new is full \(ENOSPC\): make room on it$/);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});

// The small disk is a tmpfs, which only Linux can mount. .ci/run runs on Linux.
describe.skipIf(process.platform !== 'linux')('a stack whose disk fills up', () => {
  let disk: SmallDisk;
  let home: StackHome;
  const readiness = async () => (await fetch(`${home.addresses().api}/readyz`)).json();
  const addPrincipal = (name: string) =>
    fetch(`${home.addresses().api}/v1/principals`, {
      method: 'POST',
      headers: { authorization: `Bearer ${home.key('admin')}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name, kind: 'person', grants: [{ role: 'viewer' }] }),
    });

  beforeAll(async () => {
    disk = await mountSmallDisk(400);
    home = new StackHome(join(disk.folder, 'home'));
    await home.start().isReady();
  }, 120_000);
  afterAll(async () => {
    await home.remove();
    await disk.unmount();
  });

  it('keeps running, names the disk, and recovers by itself when there is room', async () => {
    const stack = home.running();
    const sentence = `the disk of ${home.folder} is full (ENOSPC)`;
    disk.fill();
    await until('it is said', () => stack.said.includes(sentence));
    expect(await readiness()).toMatchObject({ status: 'unready', disk: expect.stringContaining(sentence) });
    const status = await runPerennial(['status'], { PERENNIAL_HOME: home.folder });
    expect(status.stdout).toContain(sentence);
    for (const part of ['postgres', 'worker', 'temporal']) process.kill(home.pidOf(part)!, 'SIGKILL');
    await until('Postgres could not start', () => (stack.said.match(/postgres ended with code/g)?.length ?? 0) >= 2);
    expect(stack.child.exitCode).toBeNull();

    disk.makeRoom();
    const { api, worker, gateway } = home.addresses();
    for (const url of [`${api}/readyz`, `${worker}/readyz`, `${gateway}/v2/health/ready`])
      await until(`${url} answers`, async () => (await answers(url)) === 200);
    expect((await addPrincipal('after')).status).toBe(201);
    // The disk is looked at every two seconds, and the parts may answer before that.
    await until('the stack says that there is room', () => stack.said.includes('the disk has room again'));
    expect(stack.child.exitCode).toBeNull();
  }, 180_000);
});
