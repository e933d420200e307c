import { readFile } from 'node:fs/promises';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { PerennialError, reasonOf } from '../../contracts/errors.ts';
import type { Signature } from '../../contracts/model-version.ts';
import { refuseExternalData } from './external-data.ts';
import { openSession, sayOf } from './session.ts';
import { matchInputs, outputCandidates, pickOutput } from './signature.ts';
import type { FeatureColumns } from './tensors.ts';
import { feedsOf, predictionsOf } from './tensors.ts';

/** What the process of an inspection is asked. */
export interface Inspection {
  readonly path: string;
  readonly features: readonly string[];
  readonly sample: FeatureColumns;
  readonly rows: number;
}

/** Reads, loads, matches and tries out the artifact, in this process. `artifact-invalid`, `prediction-invalid`. */
export async function inspectArtifact({ path, features, sample, rows }: Inspection): Promise<Signature> {
  const bytes = await readFile(path);
  refuseExternalData(bytes);
  const session = await load(bytes);
  const inputs = matchInputs(session.inputMetadata, features);
  const candidates = outputCandidates(session.outputMetadata);
  const partial = { schemaVersion: 1, ...inputs } as const;
  const feeds = feedsOf({ ...partial, output: { name: '', type: 'FP64' } }, sample, rows);
  const answers =
    candidates.length === 0
      ? {}
      : await tryOut(
          session,
          feeds,
          candidates.map(({ name }) => name),
        );
  const answered = candidates.filter(({ name }) => isOneValueARow(answers[name], rows));
  const output = pickOutput(
    answered.length === 0 && candidates.length === 1 ? candidates : answered,
    session.outputMetadata,
  );
  predictionsOf(answers[output.name], output.name, rows);
  return { ...partial, output };
}

async function load(bytes: Uint8Array): Promise<InferenceSession> {
  try {
    return await openSession(bytes);
  } catch (caught) {
    throw new PerennialError('artifact-invalid', `model.onnx cannot be loaded: ${sayOf(reasonOf(caught))}`);
  }
}

async function tryOut(
  session: InferenceSession,
  feeds: Record<string, Tensor>,
  names: readonly string[],
): Promise<InferenceSession.OnnxValueMapType> {
  try {
    return await session.run(feeds, [...names]);
  } catch (caught) {
    throw new PerennialError(
      'prediction-invalid',
      `the model failed on rows of the holdout: ${sayOf(reasonOf(caught))}`,
    );
  }
}

function isOneValueARow(answer: Tensor | undefined, rows: number): boolean {
  return answer?.dims[0] === rows && answer.size === rows && answer.dims.length <= 2;
}
