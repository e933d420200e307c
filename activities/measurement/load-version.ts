import type { Id, Sha256 } from '../../contracts/identifiers.ts';
import type { FormattedModel } from '../../contracts/model-format.ts';
import { modelFormats } from '../../contracts/model-format.ts';
import type { LoadedModel } from '../../ports/model-format.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';

/** Loads an inspected version's artifact, checked against its digest. The caller releases it. */
export async function loadVersion(deps: ActivityDependencies, modelVersionId: Id): Promise<LoadedModel> {
  return loadModel(deps, await deps.repositories.versions.get(modelVersionId));
}

/** The same for a model that is not committed yet. */
export async function loadModel(
  { modelFormats: formats, objectStore }: ActivityDependencies,
  { artifact, format, signature }: FormattedModel & { readonly artifact: Sha256 },
): Promise<LoadedModel> {
  const bytes = await objectStore.read(artifact, modelFormats[format].bytesAtMost);
  return formats.named(format).load(bytes, signature);
}
