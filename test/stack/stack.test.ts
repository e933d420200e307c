import { Client, Connection } from '@temporalio/client';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isSameProcess, identityOf } from '../../stack/processes/process-identity.ts';
import { claimHome } from '../../stack/claim-home.ts';
import { openStateFolder } from '../../stack/state-folder.ts';
import { homeIsHeld } from '../../contracts/settings/stack-exit.ts';
import { runPerennial } from '../support/embedded-stack.ts';
import { answers, type RunningStack, StackHome } from './stack-under-test.ts';
import { until } from '../support/until.ts';

const linux = process.platform === 'linux';
let home: StackHome;
let first: RunningStack;

beforeAll(async () => {
  home = await StackHome.make();
});
afterAll(() => home.remove());

// One home through many starts and kills. Each test begins with what the previous one left in the folder.
describe('the embedded stack', () => {
  const workflowId = 'waits for a worker that never comes';

  it('answers at every address that it shows, and accepts the keys that only its owner can read', async () => {
    first = await home.start().isReady();
    const { api, gateway, worker, temporalUi } = home.addresses();
    for (const url of [`${api}/readyz`, `${gateway}/v2/health/ready`, `${worker}/readyz`, temporalUi!])
      expect(await answers(url), url).toBe(200);
    expect(await answers(`${api}/v1/models`)).toBe(401);
    for (const role of ['operator', 'approver', 'admin'] as const)
      expect(await answers(`${api}/v1/models`, home.key(role)), role).toBe(200);
    for (const file of ['keys.json', 'secrets.json', 'stack.json', 'processes.json'])
      expect((statSync(join(home.folder, file)).mode & 0o777).toString(8), file).toBe('600');
  });

  it('refuses a second one in the same home, with a message that one is running, and keeps running', async () => {
    const second = home.start();
    await until('the second one has ended', () => second.child.exitCode !== null);
    expect(second.child.exitCode).toBe(homeIsHeld);
    expect(second.said).toContain(`a stack is already running in ${home.folder}`);
    expect(second.said).toContain(home.addresses().api);
    expect(await answers(`${home.addresses().api}/readyz`)).toBe(200);
  });

  it.each(['gateway', 'worker', 'postgres', 'temporal'])('restarts %s after it is killed', async (part) => {
    const before = home.pidOf(part);
    process.kill(before!, 'SIGKILL');
    await until('another process is noted', () => ![before, undefined].includes(home.pidOf(part)));
    const { api, gateway, worker, temporalUi } = home.addresses();
    for (const url of [`${api}/readyz`, `${gateway}/v2/health/ready`, `${worker}/readyz`, temporalUi!])
      await until(`${url} answers`, async () => (await answers(url)) === 200);
  });

  it('leaves no process behind when it is killed itself', async () => {
    await rememberSomething(home, workflowId);
    const parts = home.pids().map((pid) => ({ pid, identity: identityOf(pid)! }));
    expect(parts.length).toBe(6);
    await first.end('SIGKILL');
    for (const { pid, identity } of parts) await until(`${pid} is gone`, () => !isSameProcess(pid, identity));
    if (linux) await until('nobody knows of the home', () => home.processes().length === 0);
    await until('nothing says that it runs', () => !home.has('stack.json'));
  });

  it('restarts after that, and after everything was killed at once, and has lost nothing', async () => {
    const stack = await home.start().isReady();
    await expectRemembered(home, workflowId);
    const pids = [stack.child.pid!, ...home.pids()];
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await until('all are gone', () => pids.every((pid) => identityOf(pid) === undefined));
    // Imitates a restart of the machine, after which another process has the process id in Postgres' lock file.
    if (linux)
      writeFileSync(join(home.folder, 'postgres', 'postmaster.pid'), `${process.pid}\n${home.folder}/postgres\n`);
    const next = await home.start().isReady();
    await expectRemembered(home, workflowId);
    expect(await next.end('SIGINT')).toBe(0);
    if (linux) expect(home.processes()).toEqual([]);
    expect(home.has('stack.json')).toBe(false);
  });

  it('stops in an orderly way during its start', async () => {
    const stack = home.start();
    await until('it starts', () => stack.hasSaid('starting'));
    expect(await stack.end('SIGTERM')).toBe(0);
    if (linux) expect(home.processes()).toEqual([]);
    expect(home.has('stack.json')).toBe(false);
  });

  it('starts once from two concurrent `up` commands, is shown by status, and is removed completely by down', async () => {
    const perennial = (...args: string[]) => runPerennial(args, { PERENNIAL_HOME: home.folder });
    try {
      const [one, other] = await Promise.all([perennial('up', '--detach'), perennial('up', '--detach')]);
      expect([one.code, other.code], one.stderr + other.stderr).toEqual([0, 0]);
      expect(one.stdout).toContain(home.addresses().api);
      expect(await perennial('up', '--detach')).toMatchObject({ code: 0, stdout: one.stdout });
      const status = await perennial('status');
      expect(status).toMatchObject({ code: 0, stdout: expect.stringContaining(one.stdout.trimEnd()) });
      expect(status.stdout).toMatch(/status +ready\n.*database.*up.*temporal.*up/);
    } finally {
      expect(await perennial('down')).toMatchObject({ code: 0, stdout: 'stopped\n' });
    }
    if (linux) expect(home.processes()).toEqual([]);
    expect(await perennial('down')).toMatchObject({ code: 0, stdout: expect.stringContaining('no stack runs') });
    expect(await perennial('status')).toMatchObject({ code: 1, stderr: expect.stringContaining('perennial up') });
  });

  it('started in the background, waits while another process holds the home, and starts when that ends', async () => {
    const perennial = (...args: string[]) => runPerennial(args, { PERENNIAL_HOME: home.folder });
    // The holder has not written its addresses yet, as in its first second.
    const release = claimHome(openStateFolder(home.folder));
    const refusals = () => readFileSync(join(home.folder, 'logs', 'stack.log'), 'utf8').split('already').length;
    const before = refusals();
    const up = perennial('up', '--detach');
    try {
      await until('it was refused twice', () => refusals() > before + 1);
    } finally {
      release();
    }
    try {
      expect(await up).toMatchObject({ code: 0, stdout: expect.stringContaining(home.addresses().api) });
    } finally {
      expect(await perennial('down')).toMatchObject({ code: 0, stdout: 'stopped\n' });
    }
    if (linux) expect(home.processes()).toEqual([]);
  });
});

/** Stores a row in Postgres and starts a workflow in Temporal. */
async function rememberSomething(stack: StackHome, workflowId: string): Promise<void> {
  const answer = await fetch(`${stack.addresses().api}/v1/principals`, {
    method: 'POST',
    headers: { authorization: `Bearer ${stack.key('admin')}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'remembered', kind: 'person', grants: [{ role: 'viewer' }] }),
  });
  expect(answer.ok, await answer.text()).toBe(true);
  await withTemporal(stack, (client) => client.workflow.start('unknown', { taskQueue: 'nobody', workflowId }));
}

async function expectRemembered(stack: StackHome, workflowId: string): Promise<void> {
  const answer = await fetch(`${stack.addresses().api}/v1/principals`, {
    headers: { authorization: `Bearer ${stack.key('admin')}` },
  });
  expect(await answer.text()).toContain('remembered');
  const status = await withTemporal(
    stack,
    async (client) => (await client.workflow.getHandle(workflowId).describe()).status.name,
  );
  expect(status).toBe('RUNNING');
}

async function withTemporal<Answer>(stack: StackHome, work: (client: Client) => Promise<Answer>): Promise<Answer> {
  const connection = await Connection.connect({ address: stack.addresses().temporal });
  try {
    return await work(new Client({ connection }));
  } finally {
    await connection.close();
  }
}
