import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { PerennialError } from '../../contracts/errors.ts';
import { attemptVariable, endProcessGroup } from './process-group.ts';
import type { Order, SupervisorReport } from './supervisor.ts';
import type { Breach, WatchedLimits } from './watch-limits.ts';
import { watchLimits } from './watch-limits.ts';

export interface SupervisedCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** All that the command sees of any environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** What it may have at once; undefined: whatever it takes. */
  readonly limits?: WatchedLimits;
  readonly signal: AbortSignal;
  readonly onOutput: (stream: 'stdout' | 'stderr', chunk: Buffer) => void;
}

export type Ending =
  | { readonly kind: 'exited'; readonly exitCode: number }
  | { readonly kind: 'not-started'; readonly reason: string }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'over-limit'; readonly breach: Breach }
  | { readonly kind: 'aborted' };

type Stopped = Exclude<Ending, { kind: 'exited' | 'not-started' }>;

const Report: z.ZodType<SupervisorReport> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('exited'), exitCode: z.number().int() }),
  z.object({ kind: z.literal('not-started'), reason: z.string() }),
  z.object({ kind: z.literal('stopped') }),
]);

/** Killing takes milliseconds; a supervisor that takes longer is itself killed, within the 5 s that a caller is promised. */
const stopMs = 3000;
/** For output that was written before the end; a process that escaped may hold the pipe for ever. */
const drainMs = 1000;
/** Node keeps longer timers for one millisecond. */
const longestTimerMs = 2 ** 31 - 1;

/** Runs a command in a process group of its own that outlives neither this call nor this process. */
export async function runSupervised(command: SupervisedCommand): Promise<Ending> {
  if (command.signal.aborted) return { kind: 'aborted' };
  const attempt = randomUUID();
  const supervisor = startSupervisor();
  const gone = once(supervisor, 'exit');
  const closed = once(supervisor, 'close').catch(() => undefined);
  let why: Stopped | null = null;
  const stop = (reason: Stopped): void => {
    why ??= reason;
    supervisor.stdin.end();
    setTimeout(() => supervisor.kill('SIGKILL'), stopMs).unref();
  };
  const onAbort = (): void => stop({ kind: 'aborted' });
  const unwatch =
    command.limits && watchLimits(command.limits, attempt, (breach) => stop({ kind: 'over-limit', breach }));
  const timer = setTimeout(() => stop({ kind: 'timeout' }), Math.min(command.timeoutMs, longestTimerMs));
  command.signal.addEventListener('abort', onAbort, { once: true });
  try {
    supervisor.stdout.on('data', (chunk: Buffer) => command.onOutput('stdout', chunk));
    supervisor.stderr.on('data', (chunk: Buffer) => command.onOutput('stderr', chunk));
    const said = textOf(supervisor.stdio[3]);
    supervisor.stdin.write(`${JSON.stringify(orderOf(command, attempt))}\n`);
    await gone;
    await Promise.race([closed, wait(drainMs, undefined, { ref: false })]);
    return await endingOf(await said(), why, attempt);
  } finally {
    clearTimeout(timer);
    unwatch?.();
    command.signal.removeEventListener('abort', onAbort);
    for (const stream of supervisor.stdio) stream?.destroy();
  }
}

function startSupervisor() {
  const supervisor = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', fileURLToPath(new URL('supervisor.ts', import.meta.url))],
    // A session of its own: Ctrl-C in the worker's terminal is the worker's to handle. No environment: it holds secrets.
    { detached: true, env: {}, stdio: ['pipe', 'pipe', 'pipe', 'pipe'] },
  );
  // The supervisor may end before it has read its order; its exit says so.
  supervisor.stdin.on('error', () => undefined);
  return supervisor;
}

function orderOf(command: SupervisedCommand, attempt: string): Order {
  const { file, args, cwd, env } = command;
  return { file, args, cwd, env: { ...env, [attemptVariable]: attempt }, attempt };
}

/** Collects what a pipe says, from now on; asked for when the process is gone. */
function textOf(pipe: ChildProcess['stdio'][3]): () => Promise<string> {
  const readable = isReadable(pipe) ? pipe : null;
  let text = '';
  readable?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return async () => {
    if (readable !== null && !readable.readableEnded)
      await Promise.race([once(readable, 'end'), wait(drainMs, undefined, { ref: false })]);
    return text;
  };
}

function isReadable(pipe: ChildProcess['stdio'][3]): pipe is Readable {
  return pipe !== null && pipe !== undefined && 'readableEnded' in pipe;
}

async function endingOf(said: string, why: Stopped | null, attempt: string): Promise<Ending> {
  const report = said === '' ? null : Report.parse(JSON.parse(said));
  // Also where the supervisor was killed: its group is found by its mark.
  const allGone = report !== null || (await endProcessGroup(null, attempt));
  if (!allGone)
    throw new PerennialError(
      'process-died',
      'processes of a training command could not be killed; look for them on this worker',
      {},
    );
  // What ended by itself ended, also where the request to stop came at the same moment.
  if (report?.kind === 'exited' || report?.kind === 'not-started') return report;
  if (why !== null) return why;
  throw new PerennialError(
    'process-died',
    'the supervisor of a training command was killed from outside, most likely for want of memory; what it watched was killed too',
    {},
  );
}
