import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { PerennialError } from '../../../contracts/errors.ts';
import { endProcesses } from './process-group.ts';
import type { SupervisorOrder, SupervisorReport } from './sandbox-supervisor.ts';

/** A command under a supervisor, which ends it when this process ends, however that happens. */
export interface Supervised {
  readonly pid: number | null;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Settles when none of its processes is left. `process-died` */
  readonly ended: Promise<SupervisedEnd>;
  stop(): void;
  hold(held: boolean): void;
}

/** `lost`: its supervisor was killed, and it was killed after it. */
export type SupervisedEnd = SupervisorReport | { readonly kind: 'lost' };

const Report: z.ZodType<SupervisorReport> = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('exited'),
    exitCode: z.number().int(),
    signal: z.custom<NodeJS.Signals>((value) => typeof value === 'string').nullable(),
  }),
  z.object({ kind: z.literal('not-started'), reason: z.string() }),
  z.object({ kind: z.literal('stopped') }),
]);

/** Killing takes milliseconds; a supervisor that takes longer is itself killed, within the 5 s that a caller is promised. */
const stopMs = 3000;
/** For output that was written before the end; a process that escaped may hold the pipe for ever, or nobody may read it. */
export const drainMs = 1000;

export function startSupervised(order: SupervisorOrder, title: string): Supervised {
  const supervisor = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', fileURLToPath(new URL('sandbox-supervisor.ts', import.meta.url))],
    // A session of its own: Ctrl-C in the worker's terminal is the worker's to handle.
    { detached: true, env: supervisorEnvironment(), stdio: ['pipe', 'pipe', 'pipe', 'pipe', 'pipe'] },
  );
  const [, , , report, input] = supervisor.stdio;
  if (!isReadable(report) || !isWritable(input)) throw new PerennialError('internal', 'a supervisor has no pipes', {});
  // The supervisor may end before it has read its order; its exit says so.
  for (const stream of [supervisor.stdin, input]) stream.on('error', () => undefined);
  supervisor.stdin.write(`${JSON.stringify(order)}\n`);
  const streams = [...supervisor.stdio];
  return {
    pid: supervisor.pid ?? null,
    stdin: input,
    stdout: supervisor.stdout,
    stderr: supervisor.stderr,
    ended: endOf(supervisor, textOf(report), order, title).finally(() => {
      for (const stream of streams) stream?.destroy();
    }),
    stop: () => {
      supervisor.stdin.end();
      setTimeout(() => supervisor.kill('SIGKILL'), stopMs).unref();
    },
    hold: (held) => holdProcess(supervisor, held),
  };
}

/** Passes only the compile cache's folder, which halves the start-up time: the worker's environment holds secrets. */
function supervisorEnvironment(): Record<string, string> {
  // Node reports a subfolder for its version; the variable names the parent.
  const folder = getCompileCacheDir();
  return folder === undefined ? {} : { NODE_COMPILE_CACHE: dirname(folder) };
}

async function endOf(
  supervisor: ChildProcess,
  said: () => Promise<string>,
  order: SupervisorOrder,
  title: string,
): Promise<SupervisedEnd> {
  const closed = once(supervisor, 'close').catch(() => undefined);
  await once(supervisor, 'exit');
  await Promise.race([closed, wait(drainMs, undefined, { ref: false })]);
  const text = await said();
  if (text !== '') return Report.parse(JSON.parse(text));
  // The supervisor was killed: what it watched is found by its mark.
  const { attempt, controlGroups } = order;
  if (await endProcesses({ groupId: null, attempt, ancestor: null, controlGroups })) return { kind: 'lost' };
  throw new PerennialError(
    'process-died',
    `processes of ${title} could not be killed; look for them on this worker`,
    {},
  );
}

/** Collects what a pipe says, from now on; asked for when the process is gone. */
function textOf(readable: Readable): () => Promise<string> {
  let text = '';
  readable.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return async () => {
    if (!readable.readableEnded) await Promise.race([once(readable, 'end'), wait(drainMs, undefined, { ref: false })]);
    return text;
  };
}

/** Decides whether a child and its pipes keep this process from ending. */
export function holdProcess(child: ChildProcess, held: boolean): void {
  if (held) child.ref();
  else child.unref();
  for (const stream of child.stdio) {
    if (stream === null || stream === undefined || !('ref' in stream) || !('unref' in stream)) continue;
    const change = held ? stream.ref : stream.unref;
    if (typeof change === 'function') change.call(stream);
  }
}

function isReadable(stream: unknown): stream is Readable {
  return typeof stream === 'object' && stream !== null && 'readableEnded' in stream;
}

function isWritable(stream: unknown): stream is Writable {
  return typeof stream === 'object' && stream !== null && 'writableEnded' in stream;
}
