import type { Id } from '../../contracts/identifiers.ts';
import { protobufBytesAtMost } from '../../contracts/models/protobuf-bytes.ts';
import type { LoadedModel } from '../../ports/model-runtime.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';

/** Loads an inspected version's artifact, checked against its digest. The caller releases it. */
export async function loadVersion(deps: ActivityDependencies, modelVersionId: Id): Promise<LoadedModel> {
  const version = await deps.repositories.versions.get(modelVersionId);
  return deps.modelRuntime.load(await deps.objectStore.read(version.artifact, protobufBytesAtMost), version.signature);
}
