import { existsSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { PerennialError } from '../../contracts/errors.ts';

const goneWithinMs = 10_000;
const lookEveryMs = 50;

/**
 * Removes a stale lock file of Postgres. Postgres itself ignores a lock file whose process is gone, but refuses one
 * whose process id now belongs to another program, as after a restart of the machine. So the file is removed here, once
 * no Postgres process uses the data any more. Call it only when this stack's own Postgres is known to have ended.
 */
export async function clearStalePostmaster(dataFolder: string): Promise<void> {
  const lock = join(dataFolder, 'postmaster.pid');
  const users = () => processesIn(dataFolder);
  for (const deadline = Date.now() + goneWithinMs; users().length > 0; await pause(lookEveryMs)) {
    // Helper processes end by themselves when they notice that the postmaster is gone; another postmaster does not.
    if (Date.now() < deadline) continue;
    const pids = users().join(', ');
    throw new PerennialError(
      'conflict',
      `another Postgres (process ${pids}) uses ${dataFolder}: stop that Postgres first`,
      {
        pids,
      },
    );
  }
  if (process.platform === 'linux' && existsSync(lock)) rmSync(lock);
}

/**
 * Returns the ids of the Postgres processes that use the data folder, which is the working directory of each. Works on
 * Linux only; elsewhere returns none.
 */
function processesIn(dataFolder: string): string[] {
  if (process.platform !== 'linux') return [];
  const folder = realpathSync(dataFolder);
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && folderOf(pid) === folder);
}

function folderOf(pid: string): string | undefined {
  try {
    // A shell may have this working directory too, but only Postgres is in the way.
    return readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('postgres')
      ? readlinkSync(`/proc/${pid}/cwd`)
      : undefined;
  } catch {
    return undefined;
  }
}
