// A worker that trains until it is killed: killed-worker.test.ts starts it with what to train as JSON.
import { createProcessTrainer } from '../../../adapters/trainers/local/local-trainer.ts';
import type { TrainingJob } from '../../../ports/trainer.ts';
import { layTestSandbox, type SandboxKind } from '../../support/lay-sandbox.ts';

const { kind, job } = JSON.parse(process.argv[2]!) as { kind: SandboxKind; job: TrainingJob };
const { sandbox } = await layTestSandbox(kind, { folder: job.attemptFolder });
const trainer = createProcessTrainer({ path: process.env.PATH, sandbox });
await trainer.train({
  ...job,
  onLog: ({ line }) => process.stdout.write(`${line}\n`),
  onProgress: () => undefined,
  signal: new AbortController().signal,
});
