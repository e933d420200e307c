import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { PerennialError } from '../../../contracts/errors.ts';
import type { Prepared } from './prepare-command.ts';
import { endProcesses } from '../supervision/process-group.ts';
import type { Breach, Ending, SandboxedCommand, SandboxedProcess } from '../sandbox.ts';
import type { SupervisorReport } from '../supervision/sandbox-supervisor.ts';
import { type Supervised, type SupervisedEnd, drainMs, startSupervised } from '../supervision/supervised.ts';
import { holdProcess, type Supervisors } from '../supervision/supervisors.ts';
import { type Watched, findStoredBreach, watchLimits } from '../supervision/watch-limits.ts';

type Stopped = Exclude<Ending, { kind: 'exited' | 'not-started' }>;

/** Longest delay of a timer in Node. Longer ones fire after one millisecond. */
const longestTimerMs = 2 ** 31 - 1;
const runPauseMs = 300;
/**
 * Pause between two checks of a program of the platform, in milliseconds. It is longer, because the kernel bounds the
 * memory of these programs.
 */
const talkPauseMs = 2_000;

/**
 * Starts a prepared command and follows it to its end. If bubblewrap is used, a program of the platform that exchanges
 * data with this process is started without a supervisor: bubblewrap ends with its parent, and a supervisor would
 * double the cost of the start.
 */
export function startCommand(
  supervisors: Supervisors,
  command: SandboxedCommand,
  prepared: Prepared,
  talks: boolean,
): SandboxedProcess {
  const started =
    talks && prepared.isBubbled && prepared.network === null
      ? startAlone(prepared)
      : startSupervised(
          supervisors,
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
  // A caller that stops a process may ignore its end.
  ended.catch(() => undefined);
  return {
    stdin: started.stdin,
    stdout: started.stdout,
    stderr: started.stderr,
    ended,
    stop: () => stop({ kind: 'aborted' }),
    hold: (held) => {
      // A watch that starts now would never be stopped.
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
    // A command that was stopped at a limit may still report an exit code of its own.
    if (why?.kind === 'over-limit' || (why !== null && end.signal === 'SIGKILL')) return why;
    const breach = await breachAtTheEnd(end.exitCode, watched);
    return breach === null ? end : { kind: 'over-limit', breach };
  }
  if (why !== null) return why;
  throw new PerennialError(
    'process-died',
    `the supervisor of ${title} was killed from outside, most likely because the machine ran out of memory; its processes were killed too`,
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
 * Starts a command without a supervisor. The kernel ends all of its processes when this process or bubblewrap ends. If
 * this process is killed before bubblewrap has set that up, the end of its standard input ends the command, or
 * `endOrphans` does.
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
      // If bubblewrap was killed while it started its child, the child would otherwise wait forever.
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
      // The end of its standard input also ends a sandbox that is not yet set up to end with bubblewrap.
      child.stdin.destroy();
      child.kill('SIGKILL');
    },
    hold: (held) => holdProcess(child, held),
  };
}

function isSignal(value: unknown): value is NodeJS.Signals {
  return typeof value === 'string' && value in constants.signals;
}
