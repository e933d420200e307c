// A worker that trains until it is killed. killed-worker.test.ts starts it with the job as a JSON argument.
import { createDiskObjectStore } from '../../../adapters/object-store/disk.ts';
import { createLocalTrainer } from '../../../adapters/trainers/local/local-trainer.ts';
import type { TrainingJob } from '../../../contracts/models/training-job.ts';
import { layTestSandbox, type SandboxKind } from '../../support/lay-sandbox.ts';
import { localParts } from '../../support/local-parts.ts';

interface Given {
  readonly kind: SandboxKind;
  readonly folder: string;
  readonly job: TrainingJob;
}

const { kind, folder, job } = JSON.parse(process.argv[2]!) as Given;
const { sandbox } = await layTestSandbox(kind, { folder: `${folder}/sandbox` });
const trainer = createLocalTrainer(localParts(folder, createDiskObjectStore(`${folder}/blobs`), sandbox));
await trainer.train(job, {
  onLog: ({ line }) => process.stdout.write(`${line}\n`),
  onProgress: () => undefined,
  signal: new AbortController().signal,
});
