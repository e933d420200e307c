import { existsSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { PerennialError } from '../../contracts/errors.ts';

const goneWithinMs = 10_000;
const lookEveryMs = 50;

/**
 * Postgres itself passes over a lock file whose process is gone, and refuses one whose number has gone to a stranger,
 * as happens after a restart of the machine. So the file is removed here, once nothing works on the data any more.
 * Called when this stack's own Postgres is known to have ended.
 */
export async function clearStalePostmaster(dataFolder: string): Promise<void> {
  const lock = join(dataFolder, 'postmaster.pid');
  const users = () => processesIn(dataFolder);
  for (const deadline = Date.now() + goneWithinMs; users().length > 0; await pause(lookEveryMs)) {
    // Its helpers leave by themselves when they notice that it is gone; another postmaster does not.
    if (Date.now() < deadline) continue;
    const pids = users().join(', ');
    throw new PerennialError('conflict', `another Postgres (process ${pids}) works on ${dataFolder}: stop it first`, {
      pids,
    });
  }
  if (process.platform === 'linux' && existsSync(lock)) rmSync(lock);
}

/** Every process of Postgres stands in its data folder. Elsewhere than on Linux nobody can be seen there. */
function processesIn(dataFolder: string): string[] {
  if (process.platform !== 'linux') return [];
  const folder = realpathSync(dataFolder);
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && folderOf(pid) === folder);
}

function folderOf(pid: string): string | undefined {
  try {
    // A shell may stand there too; only Postgres is in the way.
    return readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('postgres')
      ? readlinkSync(`/proc/${pid}/cwd`)
      : undefined;
  } catch {
    return undefined;
  }
}
