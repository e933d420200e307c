// The program between a worker and what it runs for a user. Its standard input is a pipe that the worker holds open:
// the first line says what to run; the end of it, for whatever reason, also the worker's death by kill -9, is the end
// of everything that was started. How it ended is one line of JSON on descriptor 3.
import { spawn } from 'node:child_process';
import { writeSync } from 'node:fs';
import { constants } from 'node:os';
import { endProcessGroup } from './process-group.ts';

export interface Order {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly attempt: string;
}

export type SupervisorReport =
  | { readonly kind: 'exited'; readonly exitCode: number }
  | { readonly kind: 'not-started'; readonly reason: string }
  | { readonly kind: 'stopped' };

const reportDescriptor = 3;

let order = '';
let started: { readonly groupId: number | null; readonly attempt: string } | null = null;
let ending = false;

process.stdin.setEncoding('utf8');
process.stdin.on('data', (chunk: string) => {
  if (started !== null) return;
  order += chunk;
  if (order.endsWith('\n')) start(JSON.parse(order));
});
process.stdin.on('end', () => void finish({ kind: 'stopped' }));
process.stdin.on('error', () => void finish({ kind: 'stopped' }));
// A system that shuts down tells every process; this one must not go before those that it watches.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => void finish({ kind: 'stopped' }));

function start({ file, args, cwd, env, attempt }: Order): void {
  // The group's output is this process's own: it flows to the worker without a stop here.
  const child = spawn(file, args, { cwd, env, detached: true, stdio: ['ignore', 'inherit', 'inherit'] });
  started = { groupId: child.pid ?? null, attempt };
  child.once('error', (error) => void finish({ kind: 'not-started', reason: error.message }));
  child.once('exit', (code, signal) => {
    // As a shell says it: a process that a signal ended has 128 and the signal's number.
    const exitCode = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
    void finish({ kind: 'exited', exitCode });
  });
}

async function finish(report: SupervisorReport): Promise<void> {
  if (ending) return;
  ending = true;
  const allGone = started === null || (await endProcessGroup(started.groupId, started.attempt));
  try {
    // Silence is the report of a group that could not be ended: the worker looks for itself.
    if (allGone) writeSync(reportDescriptor, `${JSON.stringify(report)}\n`);
  } catch {
    // Nobody reads it: the worker is gone.
  }
  process.exit(0);
}
