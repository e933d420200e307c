import { type ChildProcess, spawn } from 'node:child_process';
import { getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

type Supervisor = ReturnType<typeof startSupervisor>;

/** How long a supervisor waits for a command before it ends. */
const idleMs = 60_000;
/** The next supervisor is started this long after one was taken, so that its start does not compete with the command. */
const startAfterMs = 1_000;

/** Starts supervisors. With `ahead`, one waits for the next command while commands come. Each serves one command. */
export class Supervisors {
  readonly #ahead: boolean;
  #waiting: Supervisor | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(ahead: boolean) {
    this.#ahead = ahead;
  }

  take(): Supervisor {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    clearTimeout(this.#timer);
    if (this.#ahead) this.#timer = setTimeout(() => this.#startAhead(), startAfterMs).unref();
    if (waiting === undefined || waiting.exitCode !== null || waiting.signalCode !== null) return startSupervisor();
    holdProcess(waiting, true);
    return waiting;
  }

  #startAhead(): void {
    const supervisor = startSupervisor();
    // If it cannot be started, the next command starts another one and reports the reason.
    supervisor.on('error', () => undefined);
    holdProcess(supervisor, false);
    this.#waiting = supervisor;
    this.#timer = setTimeout(() => {
      this.#waiting = undefined;
      supervisor.stdin.end();
    }, idleMs).unref();
  }
}

function startSupervisor() {
  return spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', fileURLToPath(new URL('sandbox-supervisor.ts', import.meta.url))],
    // The supervisor has a session of its own, so that Ctrl-C in the worker's terminal reaches only the worker.
    { detached: true, env: supervisorEnvironment(), stdio: ['pipe', 'pipe', 'pipe', 'pipe', 'pipe'] },
  );
}

/**
 * Returns the variable for the compile cache's folder, which halves the start-up time. Nothing else is passed on,
 * because the worker's environment holds secrets.
 */
function supervisorEnvironment(): Record<string, string> {
  // Node reports a subfolder for its version, while the variable names the parent.
  const folder = getCompileCacheDir();
  return folder === undefined ? {} : { NODE_COMPILE_CACHE: dirname(folder) };
}

/** Sets whether a child and its pipes keep this process from ending. */
export function holdProcess(child: ChildProcess, held: boolean): void {
  if (held) child.ref();
  else child.unref();
  for (const stream of child.stdio) {
    if (stream === null || stream === undefined || !('ref' in stream) || !('unref' in stream)) continue;
    const change = held ? stream.ref : stream.unref;
    if (typeof change === 'function') change.call(stream);
  }
}
