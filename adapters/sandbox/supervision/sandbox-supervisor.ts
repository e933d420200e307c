// The program between a worker and what it runs for a user. Its standard input is a pipe that the worker holds open:
// the first line says what to run; the end of it, for whatever reason, also the worker's death by kill -9, is the end
// of everything that was started. How it ended is one line of JSON on descriptor 3.
import { type ChildProcess, spawn } from 'node:child_process';
import { writeSync } from 'node:fs';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { type Membership, endProcesses } from './process-group.ts';
import { type PublicNetwork, connectNamespace } from '../starting/public-network.ts';

export interface SupervisorOrder {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly attempt: string;
  /** See `Membership`. */
  readonly controlGroups: readonly string[];
  /** Whether descriptor 4 is the command's standard input; else it has none. */
  readonly talks: boolean;
  /** The command is bubblewrap, which tells its namespaces on descriptor 3 and waits for a byte on descriptor 4. */
  readonly network: PublicNetwork | null;
}

export type SupervisorReport =
  | { readonly kind: 'exited'; readonly exitCode: number; readonly signal: NodeJS.Signals | null }
  | { readonly kind: 'not-started'; readonly reason: string }
  | { readonly kind: 'stopped' };

const reportDescriptor = 3;
const inputDescriptor = 4;

let text = '';
let started: Membership | null = null;
let ending = false;

process.stdin.setEncoding('utf8');
process.stdin.on('data', (chunk: string) => {
  if (started !== null) return;
  text += chunk;
  if (text.endsWith('\n')) start(JSON.parse(text));
});
process.stdin.on('end', () => void finish({ kind: 'stopped' }));
process.stdin.on('error', () => void finish({ kind: 'stopped' }));
// A system that shuts down tells every process; this one must not go before those that it watches.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => void finish({ kind: 'stopped' }));

function start(order: SupervisorOrder): void {
  const { file, args, cwd, env, attempt, controlGroups, talks, network } = order;
  // The group's output is this process's own: it flows to the worker without a stop here.
  const child = spawn(file, args, {
    cwd,
    env,
    detached: true,
    stdio: [
      talks ? inputDescriptor : 'ignore',
      'inherit',
      'inherit',
      ...(network === null ? [] : (['pipe', 'pipe'] as const)),
    ],
  });
  started = { groupId: child.pid ?? null, attempt, ancestor: process.pid, controlGroups };
  child.once('error', (error) => void finish({ kind: 'not-started', reason: error.message }));
  child.once('exit', (code, signal) => {
    // As a shell says it: a process that a signal ended has 128 and the signal's number.
    const exitCode = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
    void finish({ kind: 'exited', exitCode, signal });
  });
  if (network !== null) void openNetwork(child, network);
}

async function openNetwork(child: ChildProcess, network: PublicNetwork): Promise<void> {
  const [, , , info, go] = child.stdio;
  try {
    if (!isReadable(info) || !isWritable(go)) throw new Error('bubblewrap has no pipes');
    // A sandbox that failed to start has ended and says so itself.
    go.on('error', () => undefined);
    await connectNamespace(await namespaceOf(info), network);
    go.end('1');
  } catch (caught) {
    const reason = caught instanceof Error ? caught.message : String(caught);
    await finish({ kind: 'not-started', reason: `its network could not be made: ${reason}` });
  }
}

/** The process in the new namespaces, as bubblewrap tells it. The pipe stays open: bubblewrap writes to it in pieces. */
async function namespaceOf(info: Readable): Promise<number> {
  return new Promise((resolve, reject) => {
    let told = '';
    info.on('data', (chunk: Buffer) => {
      told += chunk.toString();
      const pid = /"child-pid":\s*(\d+),/.exec(told)?.[1];
      if (pid !== undefined) resolve(Number(pid));
    });
    info.on('end', () => reject(new Error('bubblewrap ended before it had made its namespaces')));
    info.on('error', reject);
  });
}

function isReadable(stream: unknown): stream is Readable {
  return typeof stream === 'object' && stream !== null && 'readableEnded' in stream;
}

function isWritable(stream: unknown): stream is Writable {
  return typeof stream === 'object' && stream !== null && 'writableEnded' in stream;
}

async function finish(report: SupervisorReport): Promise<void> {
  if (ending) return;
  ending = true;
  const allGone = started === null || (await endProcesses(started));
  try {
    // Silence is the report of a group that could not be ended: the worker looks for itself.
    if (allGone) writeSync(reportDescriptor, `${JSON.stringify(report)}\n`);
  } catch {
    // Nobody reads it: the worker is gone.
  }
  process.exit(0);
}
