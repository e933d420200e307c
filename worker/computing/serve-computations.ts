import { asyncLocalStorage, Context } from '@temporalio/activity';
import type { Info } from '@temporalio/activity';
import { noopMetricMeter } from '@temporalio/common';
import { PerennialError, reasonOf } from '../../contracts/errors.ts';
import type { ComputationAnswer, ComputationOrder } from './messages.ts';

type Work = (input: never) => Promise<unknown>;

const silent = { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error() {} };

/**
 * Runs a computing process: executes the orders of its parent, the worker, one at a time, as long as the parent lives.
 * The parent ends the process by killing it, possibly in the middle of an order. If the parent dies, watch-parent.ts
 * ends the process.
 */
export function serveComputations(made: Promise<Readonly<Record<string, Work>>>): void {
  // Ctrl+C in a terminal signals this process too. The worker decides when it ends.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  process.on('message', (order: ComputationOrder) => {
    void answerTo(order, made).then((answer) => process.send?.(answer));
  });
}

async function answerTo(
  { name, input, info }: ComputationOrder,
  made: Promise<Readonly<Record<string, Work>>>,
): Promise<ComputationAnswer> {
  try {
    const work = (await made)[name];
    if (work === undefined) throw new Error(`there is no computation ${name}`);
    return { kind: 'result', result: await asActivity(info, () => Reflect.apply(work, undefined, [input])) };
  } catch (caught) {
    if (caught instanceof PerennialError)
      return { kind: 'refusal', code: caught.code, message: caught.message, fields: caught.fields };
    return { kind: 'unforeseen', message: reasonOf(caught), stack: caught instanceof Error ? caught.stack : undefined };
  }
}

/**
 * Provides the activity context that the code reads. It never signals cancellation, because cancelling kills this
 * process, and it sends no heartbeats, because the worker does.
 */
function asActivity<Result>(info: Info, work: () => Promise<Result>): Promise<Result> {
  const never = new Promise<never>(() => undefined);
  const { signal } = new AbortController();
  const beat = (): void => undefined;
  const context = new Context(info, never, signal, beat, undefined, silent, noopMetricMeter, {});
  return asyncLocalStorage.run(context, work);
}
