// The process of one job, as a container of a cluster would run it. It reads the order from standard input, works in a
// folder of its own, and writes messages to standard output. The end of standard input cancels the job.
import { once } from 'node:events';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createS3ObjectStore } from '../../adapters/object-store/s3.ts';
import { createLocalTrainer } from '../../adapters/trainers/local/local-trainer.ts';
import { PerennialError, reasonOf } from '../../contracts/errors.ts';
import type { TrainerCall } from '../../ports/trainer.ts';
import { layTestSandbox } from './lay-sandbox.ts';
import { localParts } from './local-parts.ts';
import type { JobMessage } from './job-messages.ts';
import { JobOrder } from './job-messages.ts';

const say = (message: JobMessage): void => void process.stdout.write(`${JSON.stringify(message)}\n`);

const input = createInterface({ input: process.stdin });
const stop = new AbortController();
input.once('close', () => stop.abort());
const [line] = (await once(input, 'line')) as [string];
const folder = await realpath(await mkdtemp(join(tmpdir(), 'perennial-job-')));
const { sandbox, remove } = await layTestSandbox(process.platform === 'linux' ? 'bubblewrap' : 'process-group');
try {
  say({ kind: 'done', result: await run(JobOrder.parse(JSON.parse(line))) });
} catch (caught) {
  const { code, fields } = caught instanceof PerennialError ? caught : { code: 'internal' as const, fields: {} };
  say({ kind: 'failed', code, message: reasonOf(caught), fields });
} finally {
  await remove();
  await rm(folder, { recursive: true, force: true });
  process.stdin.destroy();
}

function run(order: JobOrder): Promise<unknown> {
  const store = createS3ObjectStore({ ...order.store, scratchFolder: join(folder, 'spool') });
  const trainer = createLocalTrainer(localParts(folder, store, sandbox));
  const call: TrainerCall = {
    onLog: ({ stream, line: text }) => say({ kind: 'log', stream, line: text }),
    onProgress: (fraction, message) => say({ kind: 'progress', fraction, message }),
    signal: stop.signal,
  };
  switch (order.verb) {
    case 'environment':
      return trainer.environment(order.job, call);
    case 'train':
      return trainer.train(order.job, call);
    case 'check':
      return trainer.check(order.job, call);
  }
}
