import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Artifact } from '../../ports/model-format.ts';

/** Writes a model and its plain files to a new folder, as a training script does. */
export async function artifactOf(
  folder: string,
  bytes: Uint8Array,
  beside: Readonly<Record<string, Uint8Array>> = {},
): Promise<Artifact> {
  const own = await mkdtemp(join(folder, 'artifact-'));
  const path = join(own, 'model.onnx');
  await writeFile(path, bytes);
  const outputFolder = join(own, 'converted');
  await mkdir(outputFolder);
  const files: Record<string, string> = {};
  for (const [name, content] of Object.entries(beside)) {
    files[name] = join(own, name);
    await writeFile(join(own, name), content);
  }
  return { path, files, outputFolder };
}
