import { readdirSync } from 'node:fs';
import { setPriority } from 'node:os';

const niceness = 19;

/** Lets other processes run first from now on, on a machine that is busy. */
export function giveWay(): void {
  for (const thread of threads()) setPriority(thread, niceness);
}

/** Linux has a priority per thread, and new threads take that of the thread that starts them. 0: this process. */
function threads(): readonly number[] {
  try {
    return readdirSync('/proc/self/task').map(Number);
  } catch {
    return [0];
  }
}
