import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { PerennialError, reasonOf } from '../../../../contracts/errors.ts';
import type { OnnxSignature } from '../../../../contracts/model-format.ts';
import { batchOfCells } from '../../../../contracts/models/batch-of-cells.ts';
import type { InspectedArtifact, Inspection, WantedAnswers } from '../../../../ports/model-format.ts';
import { convertModel } from '../graph/convert-model.ts';
import type { EvidenceTrial } from './evidence-trials.ts';
import { evidenceTrials, rowsTaken } from './evidence-trials.ts';
import { refuseExternalData } from '../graph/external-data.ts';
import { readGraph } from '../graph/onnx-graph.ts';
import { pickAnswers } from './pick-answers.ts';
import { openSession, sayOf } from '../session.ts';
import { matchInputs, outputCandidates } from './match-inputs.ts';
import { feedsOf } from '../tensors.ts';
import type { Trial } from './tried-outputs.ts';

/** Name of the converted model in the output folder. */
export const convertedName = 'model.onnx';

/**
 * Reads, loads, matches and tries out the artifact in this process. Throws `artifact-invalid` or `prediction-invalid`.
 */
export async function inspectArtifact({
  artifact,
  features,
  sample,
  rows,
  wanted = { task: 'regression', classes: [] },
}: Inspection): Promise<InspectedArtifact<OnnxSignature>> {
  const given = await readFile(artifact.path);
  const { bytes, notes } = convertModel(given, artifact.files);
  refuseExternalData(bytes);
  const session = await load(bytes);
  // Read from the original file: a removed ZipMap still names the classes of the columns.
  const graph = readGraph(given);
  const inputs = matchInputs(session.inputMetadata, features, graph.producer);
  const candidates = outputCandidates(session.outputMetadata, rows);
  const partial = { schemaVersion: 1, ...inputs } as const;
  const feeds = feedsOf({ ...partial, output: { name: '', type: 'FP64' } }, batchOfCells(inputs.inputs, sample, rows));
  const names = candidates.map(({ name }) => name);
  const about = { graph, all: session.outputMetadata, candidates };
  const answers = names.length === 0 ? {} : await tryOut(session, feeds, names);
  const trial: Trial = { ...about, answers, rows };
  const outputs = pickAnswers(trial, wanted, await evidenceOf(session, trial, partial, wanted));
  const converted = notes.length === 0 ? null : join(artifact.outputFolder, convertedName);
  if (converted !== null) await writeFile(converted, bytes);
  return { signature: { ...partial, ...outputs }, converted, notes };
}

/** Returns the model's answers to the rows with a known class. */
async function evidenceOf(
  session: InferenceSession,
  trial: Trial,
  inputs: Pick<OnnxSignature, 'schemaVersion' | 'layout' | 'inputName' | 'inputs'>,
  { evidence }: WantedAnswers,
): Promise<EvidenceTrial[]> {
  const names = trial.candidates.map(({ name }) => name);
  if (evidence === undefined || names.length === 0) return [];
  return evidenceTrials(
    async ({ columns, truth: { length: rows } }) => {
      const feeds = feedsOf(
        { ...inputs, output: { name: '', type: 'FP64' } },
        batchOfCells(inputs.inputs, columns, rows),
      );
      return { ...trial, answers: await session.run(feeds, names), rows };
    },
    rowsTaken(evidence, inputs.inputs),
  );
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
