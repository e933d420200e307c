import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { PerennialError } from '../../../contracts/errors.ts';
import { endProcesses } from './process-group.ts';
import type { SupervisorOrder, SupervisorReport } from './sandbox-supervisor.ts';
import { holdProcess, type Supervisors } from './supervisors.ts';

/** A command that is ended when this process ends, for any reason. */
export interface Supervised {
  readonly pid: number | null;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Settles when all of its processes have ended. Rejects with `process-died` if they cannot be killed. */
  readonly ended: Promise<SupervisedEnd>;
  stop(): void;
  hold(held: boolean): void;
}

/** `lost`: the supervisor was killed, and then the command's processes were killed. */
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

/**
 * Time in which a supervisor must stop its command, in milliseconds, before it is killed itself. Killing takes
 * milliseconds, and callers are promised an end within 5 s.
 */
const stopMs = 3000;
/**
 * Time to read output that was written before the end, in milliseconds. It is bounded, because an escaped process may
 * hold the pipe forever, or nobody may read it.
 */
export const drainMs = 1000;

export function startSupervised(supervisors: Supervisors, order: SupervisorOrder, title: string): Supervised {
  const supervisor = supervisors.take();
  const [, , , report, input] = supervisor.stdio;
  if (!isReadable(report) || !isWritable(input)) throw new PerennialError('internal', 'a supervisor has no pipes', {});
  // The supervisor may end before it has read its order. Its exit reports that.
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
  // The supervisor was killed, so its command's processes are found by their mark.
  const { attempt, controlGroups } = order;
  if (await endProcesses({ groupId: null, attempt, ancestor: null, controlGroups })) return { kind: 'lost' };
  throw new PerennialError(
    'process-died',
    `processes of ${title} could not be killed; find and end them on this worker`,
    {},
  );
}

/**
 * Collects the text of a pipe from now on. The returned function waits for the pipe's end, so it is called when the
 * process has ended.
 */
function textOf(readable: Readable): () => Promise<string> {
  let text = '';
  readable.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return async () => {
    if (!readable.readableEnded) await Promise.race([once(readable, 'end'), wait(drainMs, undefined, { ref: false })]);
    return text;
  };
}

function isReadable(stream: unknown): stream is Readable {
  return typeof stream === 'object' && stream !== null && 'readableEnded' in stream;
}

function isWritable(stream: unknown): stream is Writable {
  return typeof stream === 'object' && stream !== null && 'writableEnded' in stream;
}
