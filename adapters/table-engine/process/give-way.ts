import { readdirSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';

const niceness = 19;

/**
 * Lets other processes run first from now on, on a machine that is busy. Only for a process that is alone in its session:
 * Linux may share the processors among sessions (autogroups) before it looks at the priorities of their processes, so
 * the priority of the session is lowered, too.
 */
export function giveWay(): void {
  for (const thread of threads()) setPriority(thread, niceness);
  try {
    writeFileSync('/proc/self/autogroup', String(niceness));
  } catch {
    // This system has no such groups.
  }
}

/** Linux has a priority per thread, and new threads take that of the thread that starts them. 0: this process. */
function threads(): readonly number[] {
  try {
    return readdirSync('/proc/self/task').map(Number);
  } catch {
    return [0];
  }
}
