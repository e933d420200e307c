import type { TrainingResult } from '../../../contracts/models/training-job.ts';
import type { ObjectStore } from '../../../ports/object-store.ts';
import type { CollectedOutput } from './collect-output.ts';

/** Uploads what a script wrote. The model has not been inspected yet. */
export async function storeOutput(
  objectStore: ObjectStore,
  { model, metrics, files: found }: CollectedOutput,
): Promise<TrainingResult> {
  const store = async ({ path, absolute }: CollectedOutput['model']) => ({
    path,
    ...(await objectStore.putFile(absolute)),
  });
  const artifact = await store(model);
  const files: TrainingResult['files'] = [];
  for (const file of found) files.push(await store(file));
  return { artifact, metrics, files };
}
