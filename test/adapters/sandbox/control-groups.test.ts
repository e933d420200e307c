import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findControlGroups } from '../../../adapters/sandbox/supervision/control-groups.ts';

const limits = { memoryBytes: 123_456, tasks: 77 };

// Plain files replace the kernel's control groups, to test which values are written where. Whether the kernel acts on
// them is tested in test/attacks/, with the cgroup version of the machine.
describe.skipIf(process.platform !== 'linux')('control groups', () => {
  let root: string;
  let membership: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'perennial-cgroup-'));
    membership = join(root, 'membership');
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  async function layVersionTwo(own: string, delegated: Readonly<Record<string, string>>): Promise<void> {
    await writeFile(membership, `0::${own}\n`);
    await writeFile(join(root, 'cgroup.controllers'), 'cpu memory pids\n');
    await mkdir(join(root, own), { recursive: true });
    for (const [folder, controllers] of Object.entries(delegated))
      await writeFile(join(root, folder, 'cgroup.subtree_control'), controllers);
  }

  async function layVersionOne(own: string): Promise<void> {
    await writeFile(membership, `4:memory:${own}\n8:pids:/\n0::/\n`);
    await mkdir(join(root, 'memory', own), { recursive: true });
    await mkdir(join(root, 'pids'));
    for (const folder of [join('memory', own), 'pids']) await writeFile(join(root, folder, 'cgroup.procs'), '');
  }

  test('of version 2 are created below the service’s own group if that is delegated', async () => {
    await layVersionTwo('/system.slice/worker.service/main', { 'system.slice/worker.service': 'memory pids' });
    const groups = await findControlGroups({ root, membership });
    expect(groups?.kind).toBe('cgroup-v2');
    const group = await groups!.make(limits);
    const folder = join(group.processLists[0]!, '..');
    expect(folder.startsWith(join(root, 'system.slice/worker.service/perennial-'))).toBe(true);
    expect(await readFile(join(folder, 'memory.max'), 'utf8')).toBe('123456');
    expect(await readFile(join(folder, 'pids.max'), 'utf8')).toBe('77');
    expect(await group.ranOutOfMemory()).toBe(false);
    await writeFile(join(folder, 'memory.events'), 'oom 1\noom_kill 2\n');
    expect(await group.ranOutOfMemory()).toBe(true);
  });

  test('of version 1 are created if there is no version 2', async () => {
    await layVersionOne('/a/b');
    const groups = await findControlGroups({ root, membership });
    expect(groups?.kind).toBe('cgroup-v1');
    const group = await groups!.make(limits);
    expect(group.processLists).toHaveLength(2);
    expect(await readFile(join(group.processLists[0]!, '../memory.limit_in_bytes'), 'utf8')).toBe('123456');
    expect(await readFile(join(group.processLists[1]!, '../pids.max'), 'utf8')).toBe('77');
  });

  test('are not created if the system has none', async () => {
    await writeFile(membership, '');
    expect(await findControlGroups({ root: join(root, 'absent'), membership })).toBe(null);
  });

  test('of killed processes are removed, and those of running ones stay', async () => {
    await layVersionOne('/');
    const dead = 2 ** 22 + 1;
    for (const name of [`perennial-${dead}-1`, `perennial-${process.ppid}-1`]) await mkdir(join(root, 'memory', name));
    const groups = await findControlGroups({ root, membership });
    await groups!.make(limits);
    const left = (await readdir(join(root, 'memory'))).filter((name) => !name.startsWith(`perennial-${process.pid}-`));
    expect(left.toSorted()).toEqual(['cgroup.procs', `perennial-${process.ppid}-1`]);
  });
});
