import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { createS3ObjectStore } from '../../../adapters/object-store/s3.ts';
import { trainerContract } from '../../contract/trainer-contract.ts';
import { startMinio } from '../../support/minio.ts';
import { createTrainerApart } from '../../support/trainer-apart.ts';
import { layTrainingGround } from './training-ground.ts';

const kinds = process.platform === 'linux' ? (['bubblewrap', 'process-group'] as const) : (['process-group'] as const);
for (const kind of kinds)
  trainerContract(kind === 'bubblewrap' ? 'the local trainer' : 'the local trainer without a sandbox', async () => {
    const ground = await layTrainingGround(kind);
    return {
      trainer: ground.trainer,
      store: ground.store,
      stop: async () => {
        expect(await readdir(join(ground.folder, 'scratch'))).toEqual([]);
        await ground.remove();
      },
    };
  });

trainerContract('a trainer in another process', async () => {
  const minio = await startMinio();
  const scratchFolder = await mkdtemp(join(tmpdir(), 'perennial-spool-'));
  const { endpoint, accessKey, secretKey } = minio;
  const address = { endpoint, accessKey, secretKey, bucket: 'perennial-test', region: 'us-east-1' };
  return {
    trainer: createTrainerApart(address),
    store: createS3ObjectStore({ ...address, scratchFolder }),
    stop: async () => {
      await minio.stop();
      await rm(scratchFolder, { recursive: true, force: true });
    },
  };
});
