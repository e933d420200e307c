import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { layTestSandbox } from '../../support/lay-sandbox.ts';

const maker = new URL('../../../adapters/sandbox/create-sandbox.ts', import.meta.url).pathname;
const entry = new URL('../../../adapters/sandbox/supervision/sandbox-supervisor.ts', import.meta.url).pathname;

/** Returns the supervisors that this process has started. */
function supervisorsOf(parent: number | undefined): number[] {
  const lines = execFileSync('ps', ['-eo', 'pid=,ppid=,args=']).toString().trim().split('\n');
  const listed = lines.map((line) => line.trim().split(/\s+/));
  return listed
    .filter(([, ppid, ...words]) => Number(ppid) === parent && words.includes(entry))
    .map(([pid]) => Number(pid));
}

async function until(condition: () => boolean): Promise<void> {
  await expect.poll(condition, { timeout: 20_000, interval: 20 }).toBe(true);
}

const command = {
  title: 'a command',
  file: '/bin/sh',
  args: ['-c', 'echo $PPID'],
  cwd: '/',
  env: { PATH: '/usr/bin:/bin' },
  mounts: [],
  network: { kind: 'none' },
  limits: { timeoutMs: 20_000, memoryBytes: 2 ** 30, processes: 10, diskBytes: 2 ** 20, files: 10 },
} as const;

test('a supervisor waits for the next command, serves it alone, and is replaced', async () => {
  const { sandbox, remove } = await layTestSandbox('process-group', { ahead: true });
  const supervisorOfNext = async (): Promise<number> => {
    let said = '';
    const { signal } = new AbortController();
    const ending = await sandbox.run({ ...command, signal }, (_stream, chunk) => (said += chunk.toString()));
    expect(ending).toMatchObject({ kind: 'exited', exitCode: 0 });
    return Number(said);
  };
  await supervisorOfNext();
  for (const _ of [1, 2]) {
    await until(() => supervisorsOf(process.pid).length === 1);
    const [waiting] = supervisorsOf(process.pid);
    expect(await supervisorOfNext()).toBe(waiting);
    expect(supervisorsOf(process.pid)).toEqual([]);
  }
  await remove();
});

test('a supervisor that waits ends with the process that started it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'perennial-supervisors-'));
  const script = join(folder, 'caller.ts');
  await writeFile(
    script,
    `import { createSandbox } from ${JSON.stringify(maker)};
     const folder = ${JSON.stringify(folder)};
     const sandbox = createSandbox({ mode: 'preferred', path: '', allow: [], folder, scratchFolder: folder, ahead: true });
     await sandbox.run({ ...${JSON.stringify(command)}, signal: new AbortController().signal }, () => undefined);
     setInterval(() => undefined, 1000);`,
  );
  const caller = spawn(process.execPath, [script], { stdio: 'ignore' });
  await until(() => supervisorsOf(caller.pid).length === 1);
  const [waiting] = supervisorsOf(caller.pid);
  const ended = once(caller, 'exit');
  caller.kill('SIGKILL');
  await ended;
  const listed = () => execFileSync('ps', ['-eo', 'pid=']).toString().split('\n').map(Number);
  await until(() => !listed().includes(waiting ?? 0));
  await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
});
