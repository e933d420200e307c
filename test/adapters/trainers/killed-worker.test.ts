import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { layTrainingGround, processesThatMention, uniqueSeconds } from './training-ground.ts';
import { until } from '../../support/until.ts';

test.each([
  { kind: 'bubblewrap' as const, name: 'in a sandbox' },
  { kind: 'process-group' as const, name: 'without bubblewrap' },
])('a worker that is killed with kill -9 leaves no process behind, $name', async ({ kind }) => {
  const ground = await layTrainingGround(kind);
  try {
    const seconds = uniqueSeconds();
    const job = await ground.job({
      'train.py': `
import subprocess, time
subprocess.Popen(["sleep", "${seconds}"])
subprocess.Popen(["sleep", "${seconds}"], start_new_session=True)
print("under way")
time.sleep(${seconds})
`,
    });
    const worker = spawn(
      process.execPath,
      [
        fileURLToPath(new URL('killed-worker.ts', import.meta.url)),
        JSON.stringify({ kind, folder: ground.folder, job }),
      ],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const gone = once(worker, 'exit');
    for await (const line of createInterface({ input: worker.stdout })) if (line === 'under way') break;
    expect(processesThatMention(seconds)).toHaveLength(2);
    const supervisors = childrenOf(worker.pid!);
    expect(supervisors).not.toEqual([]);
    worker.kill('SIGKILL');
    await gone;
    await until('the end of all that it had started', () => processesThatMention(seconds).length === 0, 5000);
    await until('the end of its supervisor', () => !supervisors.some(isAlive), 5000);
  } finally {
    await ground.remove();
  }
});

function processes(): { pid: number; parent: number; state: string }[] {
  return execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .map(([pid, parent, state]) => ({ pid: Number(pid), parent: Number(parent), state: state! }));
}

function childrenOf(parent: number): number[] {
  return processes().flatMap((found) => (found.parent === parent ? [found.pid] : []));
}

function isAlive(pid: number): boolean {
  return processes().some((found) => found.pid === pid && !found.state.startsWith('Z'));
}
