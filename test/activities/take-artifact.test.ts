import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { StoringDependencies } from '../../activities/activity-dependencies.ts';
import type { TakenArtifact } from '../../activities/build/evaluation/take-artifact.ts';
import { takeArtifact } from '../../activities/build/evaluation/take-artifact.ts';
import { registerFormats } from '../../adapters/model-formats/model-formats.ts';
import { createOnnxFormat } from '../../adapters/model-formats/onnx/onnx-format.ts';
import { createDiskObjectStore } from '../../adapters/object-store/disk.ts';
import { TrainedFiles } from '../../contracts/models/build-plan.ts';
import { constantName, createConstantFormat } from '../support/constant-format.ts';
import { linearModel } from '../support/onnx-models.ts';
import { sandboxOfTests, scratchOfTests } from '../support/sandbox-of-tests.ts';

const modelFormats = registerFormats({
  onnx: createOnnxFormat({ sandbox: sandboxOfTests(), scratchFolder: scratchOfTests() }),
  constant: createConstantFormat(),
});
const runId = '0193e2c8-0000-7000-8000-000000000001';
let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perennial-take-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Takes an artifact from the files of a training, as a build keeps them between its steps. */
async function taken(bytes: Uint8Array, written: { readonly artifactPath?: string }): Promise<TakenArtifact> {
  const objectStore = createDiskObjectStore(join(folder, 'objects'));
  const stored = await objectStore.putBytes(Buffer.from(bytes));
  const kept = {
    schemaVersion: 1,
    artifact: stored.sha256,
    artifactBytes: stored.bytes,
    scriptMetrics: {},
    files: [],
    leaseHolder: 'test',
    ...written,
  };
  return takeArtifact(
    { objectStore, modelFormats } as unknown as StoringDependencies,
    { trained: TrainedFiles.parse(kept), runId, folder },
    { features: ['x'], sample: { x: [1, 2] }, rows: 2 },
  );
}

test('the file that the script wrote decides the format of a model', async () => {
  const bytes = Buffer.from('{"answer":4.5}');
  expect(await taken(bytes, { artifactPath: constantName })).toMatchObject({
    format: 'constant',
    artifactBytes: bytes.length,
    signature: { output: { name: 'answer' } },
  });
});

test('a training of an earlier worker, without the path of the model, counts as ONNX', async () => {
  const bytes = linearModel({ features: ['x'], weights: [2], bias: 1 });
  expect(await taken(bytes, {})).toMatchObject({ format: 'onnx', signature: { inputs: [{ name: 'x' }] } });
});

test('a model of an unknown format is refused', async () => {
  await expect(taken(Buffer.from('?'), { artifactPath: 'model.pickle' })).rejects.toMatchObject({
    code: 'artifact-invalid',
  });
});
