import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { PerennialError } from '../../../contracts/errors.ts';
import type { Prepared } from './prepare-command.ts';
import { endProcesses } from '../supervision/process-group.ts';
import type { Breach, Ending, SandboxedCommand, SandboxedProcess } from '../sandbox.ts';
import type { SupervisorReport } from '../supervision/sandbox-supervisor.ts';
import {
  type Supervised,
  type SupervisedEnd,
  drainMs,
  holdProcess,
  startSupervised,
} from '../supervision/supervised.ts';
import { type Watched, findStoredBreach, watchLimits } from '../supervision/watch-limits.ts';

type Stopped = Exclude<Ending, { kind: 'exited' | 'not-started' }>;

/** Node keeps longer timers for one millisecond. */
const longestTimerMs = 2 ** 31 - 1;
const runPauseMs = 300;
/** Programs of the platform's own are looked at less often: the kernel bounds their memory. */
const talkPauseMs = 2_000;

/**
 * Starts a prepared command and sees it to its end. A program of the platform's that is talked to is started without a
 * supervisor where there is bubblewrap, which ends with its parent: a supervisor would double what its start costs.
 */
export function startCommand(command: SandboxedCommand, prepared: Prepared, talks: boolean): SandboxedProcess {
  const started =
    talks && prepared.isBubbled && prepared.network === null
      ? startAlone(prepared)
      : startSupervised(
          { ...prepared, controlGroups: prepared.controlGroup?.processLists ?? [], talks },
          command.title,
        );
  let why: Stopped | null = null;
  const stop = (reason: Stopped): void => {
    why ??= reason;
    started.stop();
  };
  const watched = watchedOf(command, prepared, started.pid);
  const watch = (): (() => void) =>
    watchLimits(watched, talks ? talkPauseMs : runPauseMs, (breach) => stop({ kind: 'over-limit', breach }));
  let unwatch = watch();
  let isOver = false;
  const onAbort = (): void => stop({ kind: 'aborted' });
  if (command.signal.aborted) onAbort();
  command.signal.addEventListener('abort', onAbort, { once: true });
  const timer = setTimeout(() => stop({ kind: 'timeout' }), Math.min(command.limits.timeoutMs, longestTimerMs));
  const see = async (): Promise<Ending> => {
    try {
      return await endingOf(await started.ended, why, command.title, watched);
    } finally {
      isOver = true;
      clearTimeout(timer);
      unwatch();
      command.signal.removeEventListener('abort', onAbort);
      await prepared.release();
    }
  };
  const ended = see();
  // A caller that stops a process need not wait for its end.
  ended.catch(() => undefined);
  return {
    stdin: started.stdin,
    stdout: started.stdout,
    stderr: started.stderr,
    ended,
    stop: () => stop({ kind: 'aborted' }),
    hold: (held) => {
      // Nobody would end a watch that begins now.
      if (isOver) return;
      started.hold(held);
      if (held) timer.ref();
      else timer.unref();
      unwatch();
      unwatch = held ? watch() : () => undefined;
    },
  };
}

function watchedOf({ limits }: SandboxedCommand, prepared: Prepared, pid: number | null): Watched {
  const { attempt, controlGroup, own, folders } = prepared;
  const controlGroups = controlGroup?.processLists ?? [];
  return {
    limits,
    own,
    folders,
    membership: { groupId: null, attempt, ancestor: pid, controlGroups },
    ranOutOfMemory: controlGroup?.ranOutOfMemory ?? null,
  };
}

async function endingOf(end: SupervisedEnd, why: Stopped | null, title: string, watched: Watched): Promise<Ending> {
  if (end.kind === 'not-started') return end;
  if (end.kind === 'exited') {
    // What was stopped for passing a limit may still report an end of its own.
    if (why?.kind === 'over-limit' || (why !== null && end.signal === 'SIGKILL')) return why;
    const breach = await breachAtTheEnd(end.exitCode, watched);
    return breach === null ? end : { kind: 'over-limit', breach };
  }
  if (why !== null) return why;
  throw new PerennialError(
    'process-died',
    `the supervisor of ${title} was killed from outside, most likely for want of memory; what it watched was killed too`,
    {},
  );
}

async function breachAtTheEnd(exitCode: number, watched: Watched): Promise<Breach | null> {
  const { memoryBytes } = watched.limits;
  if (exitCode !== 0 && (await watched.ranOutOfMemory?.()) === true)
    return { what: 'memory', found: memoryBytes, limit: memoryBytes };
  return findStoredBreach(watched);
}

/**
 * The kernel ends all of it when this process ends, or when bubblewrap does. If this process is killed before bubblewrap
 * has begun, the end of its input ends it, or `endOrphans`.
 */
function startAlone(prepared: Prepared): Supervised {
  const { file, args, cwd, env, attempt, controlGroup } = prepared;
  const child = spawn(file, args, { cwd, env, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => undefined);
  let isStopped = false;
  const end = async (): Promise<SupervisorReport> => {
    const failed = once(child, 'error').then(([error]) => String(error));
    const closed = once(child, 'close').catch(() => undefined);
    const [code, signal] = await Promise.race([once(child, 'exit'), failed.then((reason) => [reason, null])]);
    const isClosed = closed.then(() => true);
    if (!(await Promise.race([isClosed, wait(drainMs, false, { ref: false })]))) {
      // If bubblewrap is killed while it starts its child, the child would otherwise wait for ever.
      await endProcesses({ groupId: null, attempt, ancestor: null, controlGroups: controlGroup?.processLists ?? [] });
      await Promise.race([closed, wait(drainMs, undefined, { ref: false })]);
    }
    if (typeof code === 'string') return { kind: 'not-started', reason: code };
    if (isStopped) return { kind: 'stopped' };
    const exitCode = code ?? 128 + (isSignal(signal) ? constants.signals[signal] : 0);
    return { kind: 'exited', exitCode, signal: isSignal(signal) ? signal : null };
  };
  return {
    pid: child.pid ?? null,
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    ended: end(),
    stop: () => {
      isStopped ||= child.exitCode === null && child.signalCode === null;
      // Also the end of a sandbox that has not come to the point where it would end with bubblewrap.
      child.stdin.destroy();
      child.kill('SIGKILL');
    },
    hold: (held) => holdProcess(child, held),
  };
}

function isSignal(value: unknown): value is NodeJS.Signals {
  return typeof value === 'string' && value in constants.signals;
}
