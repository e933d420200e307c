import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { z } from 'zod';
import type { ErrorFields } from '../../contracts/errors.ts';
import { PerennialError } from '../../contracts/errors.ts';
import { CheckResult, JobEnvironment, TrainingResult } from '../../contracts/models/training-job.ts';
import type { Trainer, TrainerCall } from '../../ports/trainer.ts';
import type { JobOrder, StoreAddress } from './job-messages.ts';
import { JobMessage } from './job-messages.ts';

const program = fileURLToPath(new URL('job-process.ts', import.meta.url));

type Verb = Pick<JobOrder, 'verb' | 'job'>;
type Call = Omit<TrainerCall, 'onProgress'> & Partial<TrainerCall>;

/**
 * Runs each job in another process, as a cluster would. The process receives only the job as JSON and the address of
 * the object store, and has its own working folder, caches and environment.
 */
export function createTrainerApart(store: StoreAddress): Trainer {
  const ask = async <Schema extends z.ZodType>(verb: Verb, answer: Schema, call: Call): Promise<z.infer<Schema>> =>
    answer.parse(await runApart({ store, ...verb } as JobOrder, call));
  return {
    environment: (job, call) => ask({ verb: 'environment', job }, JobEnvironment, call),
    train: (job, call) => ask({ verb: 'train', job }, TrainingResult, call),
    check: (job, call) => ask({ verb: 'check', job }, CheckResult, call),
  };
}

async function runApart(order: JobOrder, { onLog, onProgress, signal }: Call): Promise<unknown> {
  if (signal.aborted) throw new PerennialError('cancelled', 'the job was cancelled before its process was started');
  const child = spawn(process.execPath, [program], {
    cwd: '/',
    env: { PATH: process.env.PATH, NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close');
  child.stdin.on('error', () => undefined);
  // The order is one line. The end of standard input cancels the job, and so does the death of this process.
  child.stdin.write(`${JSON.stringify(order)}\n`);
  const cancel = (): void => void child.stdin.end();
  signal.addEventListener('abort', cancel, { once: true });
  let last: JobMessage | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    last = JobMessage.parse(JSON.parse(line));
    if (last.kind === 'log') onLog(last);
    if (last.kind === 'progress') onProgress?.(last.fraction, last.message);
  }
  await closed;
  signal.removeEventListener('abort', cancel);
  if (last?.kind === 'done') return last.result;
  if (last?.kind === 'failed') throw new PerennialError(last.code, last.message, last.fields as ErrorFields);
  throw new PerennialError('process-died', 'the process of the job ended without an answer');
}
