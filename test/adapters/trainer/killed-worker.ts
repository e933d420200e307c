// A worker that trains until it is killed: killed-worker.test.ts starts it with what to train as JSON.
import { createProcessTrainer } from '../../../adapters/trainer/process.ts';
import type { TrainingJob } from '../../../ports/trainer.ts';

const { path, job } = JSON.parse(process.argv[2]!) as { path: string; job: TrainingJob };
const trainer = createProcessTrainer({ cacheFolder: job.attemptFolder, environment: { PATH: path } });
await trainer.train({
  ...job,
  onLog: ({ line }) => process.stdout.write(`${line}\n`),
  onProgress: () => undefined,
  signal: new AbortController().signal,
});
