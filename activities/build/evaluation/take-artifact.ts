import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { TrainedFiles } from '../../../contracts/models/build-plan.ts';
import { PerennialError } from '../../../contracts/errors.ts';
import type { Id, Sha256 } from '../../../contracts/identifiers.ts';
import { earliestModelFormat, modelFormats } from '../../../contracts/model-format.ts';
import type { Signature } from '../../../contracts/models/signature.ts';
import type { Artifact, Inspection } from '../../../ports/model-format.ts';
import type { ActivityDependencies, StoringDependencies } from '../../activity-dependencies.ts';
import { RunLog } from '../../steps/run-log.ts';

/** The model in the form that is served and stored. */
export interface TakenArtifact {
  readonly artifact: Sha256;
  readonly artifactBytes: number;
  readonly format: string;
  readonly signature: Signature;
}

/**
 * Inspects the model that training wrote. If the model had to be converted, stores the converted file and lists the
 * conversions in the run's log. Files beside the model are fetched only if the model keeps tensors in them.
 */
export async function takeArtifact(
  deps: StoringDependencies,
  { trained, runId, folder }: { readonly trained: TrainedFiles; readonly runId: Id; readonly folder: string },
  trial: Omit<Inspection, 'artifact'>,
): Promise<TakenArtifact> {
  const { artifactPath: path = modelFormats[earliestModelFormat].writes } = trained;
  const format = deps.modelFormats.detect(path);
  const inspect = (tried: Artifact) => deps.modelFormats.named(format).inspect({ ...trial, artifact: tried });
  const artifact: Artifact = { path: join(folder, basename(path)), files: {}, outputFolder: join(folder, 'converted') };
  await mkdir(artifact.outputFolder);
  await deps.objectStore.getFile(trained.artifact, artifact.path);
  const { signature, converted, notes } = await inspect(artifact).catch(async (caught: unknown) => {
    const files = await filesBeside(deps, trained, folder, caught);
    if (Object.keys(files).length === 0) throw caught;
    return inspect({ ...artifact, files });
  });
  const { artifact: written, artifactBytes } = trained;
  if (converted === null) return { format, signature, artifact: written, artifactBytes };
  const { sha256, bytes } = await deps.objectStore.putFile(converted);
  const log = new RunLog(deps, runId);
  for (const note of notes) log.line({ stream: 'system', line: `${path}: ${note}` });
  await log.close();
  return { format, signature, artifact: sha256, artifactBytes: bytes };
}

/** Fetches the files that the inspection reported as missing, as far as training wrote them. */
async function filesBeside(
  { objectStore }: ActivityDependencies,
  { files }: TrainedFiles,
  folder: string,
  caught: unknown,
): Promise<Record<string, string>> {
  const wanted = caught instanceof PerennialError ? caught.fields.beside : undefined;
  if (!Array.isArray(wanted)) return {};
  const found = files.filter(({ path }) => wanted.includes(path));
  const beside = join(folder, 'beside');
  await mkdir(beside, { recursive: true });
  const fetched = found.map(async ({ path, sha256 }, at): Promise<[string, string]> => {
    // The local file is named by a number, because the script chose the original name and it may be unsafe.
    const own = join(beside, String(at));
    await objectStore.getFile(sha256, own);
    return [path, own];
  });
  return Object.fromEntries(await Promise.all(fetched));
}
