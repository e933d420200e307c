import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { diskFull } from '../contracts/disk-full.ts';
import { PerennialError } from '../contracts/errors.ts';
import { homeIsHeld } from '../contracts/settings/stack-exit.ts';
import { exitCodes } from './exit-codes.ts';
import { isDiskFull } from './files/is-disk-full.ts';
import type { CliContext, StackFile } from './cli-context.ts';
import { readStackFile } from './cli-context.ts';

const main = fileURLToPath(new URL('../stack/main.ts', import.meta.url));
const readyWithinMs = 90_000;
const downWithinMs = 30_000;
const pollMs = 100;
const heldPollMs = 500;

/** Returns the running stack of this PERENNIAL_HOME, or undefined if none answers. */
export async function runningStack(context: CliContext): Promise<StackFile | undefined> {
  const stack = readStackFile(context.home);
  return stack?.state === 'ready' && isAlive(stack.pid) && (await isReady(stack)) ? stack : undefined;
}

/** Runs the stack in the foreground until it ends. Returns its exit code. */
export function runStackProcess(context: CliContext): Promise<number> {
  const child = spawn(process.execPath, [main], {
    stdio: 'inherit',
    env: { ...context.env, PERENNIAL_HOME: context.home },
  });
  // A terminal sends Ctrl-C to both processes. The stack stops in order, and this process waits for it.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => child.kill(signal === 'SIGHUP' ? 'SIGTERM' : signal));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code === homeIsHeld ? exitCodes.failed : (code ?? exitCodes.failed)));
  });
}

/** Starts the stack in its own session, so that it outlives this process, and waits until it answers. */
export async function startStack(context: CliContext, signal?: AbortSignal): Promise<StackFile> {
  // On a full disk the log cannot be written either, so the reason for a failed start would be lost.
  if (await isDiskFull(context.home)) throw diskFull(context.home);
  mkdirSync(join(context.home, 'logs'), { recursive: true, mode: 0o700 });
  const logPath = join(context.home, 'logs', 'stack.log');
  const log = openSync(logPath, 'a');
  // Skips what earlier starts wrote to the log.
  const before = fstatSync(log).size;
  const said = () => tail(logPath, before);
  let child: ChildProcess | undefined;
  const spawnStack = () => {
    child = spawn(process.execPath, [main], {
      detached: true,
      stdio: ['ignore', log, log],
      env: { ...context.env, PERENNIAL_HOME: context.home },
    });
    child.unref();
    return child;
  };
  try {
    return await untilReady(context, spawnStack, { path: logPath, said }, signal);
  } catch (caught) {
    if (child !== undefined) await end(child);
    throw caught;
  } finally {
    closeSync(log);
  }
}

/**
 * Waits until a stack answers. Another process may hold the home: a stack that starts at the same time, or one that is
 * stopping. Once that stack answers, it serves as well as our own; if it ends, the next attempt starts ours.
 */
async function untilReady(
  context: CliContext,
  spawnStack: () => ChildProcess,
  log: { readonly path: string; readonly said: () => string },
  signal: AbortSignal | undefined,
): Promise<StackFile> {
  const begun = Date.now();
  let child = spawnStack();
  while (Date.now() - begun < readyWithinMs) {
    const stack = await runningStack(context);
    if (stack !== undefined) return stack;
    if (hasExited(child)) {
      if (child.exitCode !== homeIsHeld)
        throw new PerennialError('process-died', `the stack did not start; the end of ${log.path}:\n${log.said()}`, {
          log: log.path,
        });
      await pause(heldPollMs, undefined, { signal });
      child = spawnStack();
    }
    context.output.progress(
      `starting Postgres, Temporal, the worker, the API and the gateway (${Math.round((Date.now() - begun) / 1000)} s)`,
    );
    await pause(pollMs, undefined, { signal });
  }
  throw new PerennialError(
    'process-died',
    `the stack was not ready within ${readyWithinMs / 1000} s; the end of ${log.path}:\n${log.said()}`,
    { log: log.path },
  );
}

/** Ends a stack for which nobody waits any more. */
async function end(child: ChildProcess): Promise<void> {
  if (hasExited(child)) return;
  const exited = once(child, 'exit');
  child.ref();
  child.kill('SIGTERM');
  await exited;
}

function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** Asks the stack to stop and waits until it has ended. Returns false if none runs. */
export async function stopStack(context: CliContext): Promise<boolean> {
  const stack = readStackFile(context.home);
  if (stack === undefined || !(await askToStop(context))) return false;
  const begun = Date.now();
  while (isAlive(stack.pid)) {
    if (Date.now() - begun > downWithinMs)
      throw new PerennialError(
        'internal',
        `the stack (process ${stack.pid}) did not stop within ${downWithinMs / 1000} s; see the logs in ${join(context.home, 'logs')}`,
        { pid: stack.pid },
      );
    context.output.progress('stopping the stack');
    await pause(pollMs);
  }
  context.output.done();
  return true;
}

/**
 * Asks the stack's own program to stop the stack, because that program knows whether the process with this id is still
 * the stack. Returns false if it is not.
 */
async function askToStop(context: CliContext): Promise<boolean> {
  const child = spawn(process.execPath, [main, 'stop'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...context.env, PERENNIAL_HOME: context.home },
  });
  await once(child, 'exit');
  return child.exitCode === 0;
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function isReady(stack: StackFile): Promise<boolean> {
  try {
    const answers = await Promise.all([
      fetch(`${stack.api}/readyz`, { signal: AbortSignal.timeout(2_000) }),
      fetch(`${stack.gateway}/v2/health/live`, { signal: AbortSignal.timeout(2_000) }),
    ]);
    return answers.every((answer) => answer.ok);
  } catch {
    return false;
  }
}

function tail(path: string, from: number): string {
  return readFileSync(path).subarray(from).toString().trimEnd().split('\n').slice(-15).join('\n');
}
