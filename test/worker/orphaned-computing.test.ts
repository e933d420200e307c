import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test, vi } from 'vitest';

const support = (name: string): URL => new URL(`../support/${name}`, import.meta.url);
/**
 * Time from the parent's end to the child's end. If the parent dies immediately, it includes the rest of Node's start.
 */
const endsWithinMs = 2_000;

let mark: string;
let parent: ChildProcess;
afterEach(() => {
  parent.kill('SIGKILL');
  for (const pid of processesWith(mark)) process.kill(pid, 'SIGKILL');
});

/** Returns the processes with this argument. Zombie processes have no arguments and do not count. */
function processesWith(argument: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => argumentsOf(pid).includes(argument));
}

function argumentsOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

function startParent(program: URL, how: 'dies-at-once' | 'computes'): void {
  mark = randomUUID();
  const args = [fileURLToPath(support('computing-parent.ts')), program.href, mark, how];
  parent = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

async function hasNoneLeft(): Promise<void> {
  await vi.waitFor(() => expect(processesWith(mark)).toEqual([]), { timeout: endsWithinMs, interval: 20 });
}

test('a computing process with a busy main thread ends within two seconds after its worker is killed', async () => {
  startParent(support('computing-program.ts'), 'computes');
  if (parent.stdout !== null) await once(parent.stdout, 'data');
  expect(processesWith(mark)).toHaveLength(2);
  parent.kill('SIGKILL');
  await once(parent, 'exit');
  await hasNoneLeft();
});

test.each(['computing-program.ts', 'busy-program.ts'])(
  'a computing process (%s) whose worker is killed during the start also ends within two seconds',
  async (program) => {
    startParent(support(program), 'dies-at-once');
    await once(parent, 'exit');
    await hasNoneLeft();
  },
);
