// Program between a worker and a command that it runs for a user. The worker holds open a pipe to the program's
// standard input. The first line says what to run. When the pipe closes, for any reason including `kill -9` of the
// worker, everything that was started is ended. The program reports how the command ended in one line of JSON on
// descriptor 3.
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
  /** Whether descriptor 4 becomes the command's standard input. Otherwise the command has none. */
  readonly talks: boolean;
  /**
   * Network to make, or null. If it is set, the command is bubblewrap, which reports its namespaces on descriptor 3 and
   * waits for a byte on descriptor 4.
   */
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
// At shutdown the system signals every process. This process must not end before those that it watches.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => void finish({ kind: 'stopped' }));

function start(order: SupervisorOrder): void {
  const { file, args, cwd, env, attempt, controlGroups, talks, network } = order;
  // The command inherits this process's output streams, so its output goes directly to the worker.
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
    // As in a shell, a process that a signal ended has exit code 128 plus the signal's number.
    const exitCode = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
    void finish({ kind: 'exited', exitCode, signal });
  });
  if (network !== null) void openNetwork(child, network);
}

async function openNetwork(child: ChildProcess, network: PublicNetwork): Promise<void> {
  const [, , , info, go] = child.stdio;
  try {
    if (!isReadable(info) || !isWritable(go)) throw new Error('bubblewrap has no pipes');
    // A sandbox that failed to start has already ended and reports that itself.
    go.on('error', () => undefined);
    await connectNamespace(await namespaceOf(info), network);
    go.end('1');
  } catch (caught) {
    const reason = caught instanceof Error ? caught.message : String(caught);
    await finish({ kind: 'not-started', reason: `the network of the sandbox could not be made: ${reason}` });
  }
}

/**
 * Returns the id of the process in the new namespaces, as bubblewrap reports it. The pipe stays open, because
 * bubblewrap writes to it in pieces.
 */
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
    // Without a report, the worker knows that the processes could not be ended, and looks for them itself.
    if (allGone) writeSync(reportDescriptor, `${JSON.stringify(report)}\n`);
  } catch {
    // Nobody reads the report, because the worker is gone.
  }
  process.exit(0);
}
