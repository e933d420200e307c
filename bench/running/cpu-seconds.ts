import { readFileSync } from 'node:fs';

const ticksPerSecond = 100;

/**
 * Returns the CPU time that a process has used in user and kernel mode, over all of its threads, in seconds; `undefined`
 * where there is no `/proc`, without a process, and after its end.
 */
export function cpuSeconds(pid: number | undefined): number | undefined {
  if (pid === undefined) return undefined;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name of the program, in parentheses, may contain spaces. `utime` is field 14 and `stime` is field 15.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  } catch {
    return undefined;
  }
}
