import type { Id, Sha256 } from '../../contracts/identifiers.ts';
import type { FormattedModel } from '../../contracts/model-format.ts';
import { modelFormats } from '../../contracts/model-format.ts';
import type { LoadedModel } from '../../ports/model-format.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';

/** Loads the artifact of an inspected version and checks it against its digest. The caller must release it. */
export async function loadVersion(deps: ActivityDependencies, modelVersionId: Id): Promise<LoadedModel> {
  return loadModel(deps, await deps.repositories.versions.get(modelVersionId));
}

/**
 * Loads the artifact of a model that is not committed yet and checks it against its digest. The caller must release it.
 */
export async function loadModel(
  { modelFormats: formats, objectStore }: ActivityDependencies,
  { artifact, format, signature }: FormattedModel & { readonly artifact: Sha256 },
): Promise<LoadedModel> {
  const bytes = await objectStore.read(artifact, modelFormats[format].bytesAtMost);
  return formats.named(format).load(bytes, signature);
}
