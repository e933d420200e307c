import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createTarCodeArchive } from '../../adapters/code-archive/tar.ts';
import type { Sha256 } from '../../contracts/identifiers.ts';
import type { JobLimits, TrainingJob } from '../../contracts/models/training-job.ts';
import type { ObjectStore } from '../../ports/object-store.ts';

/** Maps paths within the code to the files' texts. */
export type CodeFiles = Readonly<Record<string, string>>;

export interface JobChanges extends Partial<Omit<TrainingJob, 'limits'>> {
  readonly limits?: Partial<JobLimits>;
}

/** Returns a job whose code holds these files and starts `train.py` or `train.sh`, with the text `rows` as its data. */
export async function trainingJobOf(
  store: ObjectStore,
  files: CodeFiles,
  { limits, ...changes }: JobChanges = {},
): Promise<TrainingJob> {
  return {
    schemaVersion: 1,
    code: { archive: await storeCode(store, files), environment: null },
    command: 'train.py' in files ? ['python3', 'train.py'] : ['sh', 'train.sh'],
    rows: { train: (await store.putBytes(Buffer.from('rows'))).sha256, validation: null },
    params: { depth: 3 },
    seed: 7,
    features: ['temp', 'a "quoted", name'],
    target: 'cnt',
    network: false,
    limits: { timeoutMs: 30_000, memoryBytes: null, processes: 500, diskBytes: 2 ** 30, files: 100_000, ...limits },
    ...changes,
  };
}

export async function storeCode(store: ObjectStore, files: CodeFiles): Promise<Sha256> {
  const folder = await mkdtemp(join(tmpdir(), 'perennial-code-'));
  try {
    const code = join(folder, 'code');
    await mkdir(code);
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(code, path)), { recursive: true });
      await writeFile(join(code, path), text);
    }
    await createTarCodeArchive().pack(code, join(folder, 'code.tar'));
    return (await store.putFile(join(folder, 'code.tar'))).sha256;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
