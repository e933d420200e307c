import type { InferenceSession } from 'onnxruntime-node';
import { PerennialError, reasonOf } from '../../../contracts/errors.ts';
import type { Signature } from '../../../contracts/models/model-version.ts';
import type { Answers, LoadedModel, ModelRuntime } from '../../../ports/model-runtime.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import { answerEach } from './answer-each.ts';
import { answersOf, mustBeFinite, noAnswers, outputNames } from './read-answers.ts';
import { refuseExternalData } from './graph/external-data.ts';
import { inspectInProcess, measureInProcess } from './inspection/inspect-in-process.ts';
import { openSession, sayOf } from './session.ts';
import type { FeatureColumns } from './tensors.ts';
import { feedsOf } from './tensors.ts';

export interface OnnxModelRuntimeSettings {
  readonly sandbox: Sandbox;
  /** Of one inspection, in milliseconds. Default: two minutes. */
  readonly timeLimitMs?: number;
  /** Of one inspection, in MiB. Default: 4096. */
  readonly memoryMebibytes?: number;
}

/** ONNX Runtime on the CPU. Calls of `predict` hold the event loop, so callers join rows. */
export function createOnnxModelRuntime(settings: OnnxModelRuntimeSettings): ModelRuntime {
  const { sandbox, timeLimitMs = 120_000, memoryMebibytes = 4096 } = settings;
  return {
    inspect: (artifact, features, sample, rows, wanted = { task: 'regression', classes: [] }) =>
      inspectInProcess(sandbox, { artifact, features, sample, rows, wanted }, { timeLimitMs, memoryMebibytes }),
    measureLatency: (path, signature, sample, rows, calls) =>
      measureInProcess(sandbox, { path, signature, sample, rows, calls }, { timeLimitMs, memoryMebibytes }),
    async load(bytes, signature) {
      refuseExternalData(bytes);
      return loadedModel(await open(bytes), signature);
    },
  };
}

async function open(bytes: Uint8Array): Promise<InferenceSession> {
  try {
    return await openSession(bytes);
  } catch (caught) {
    throw new PerennialError('artifact-invalid', `model.onnx cannot be loaded: ${sayOf(reasonOf(caught))}`);
  }
}

function loadedModel(session: InferenceSession, signature: Signature): LoadedModel {
  const names = outputNames(signature);
  const run = async (features: FeatureColumns, rows: number): Promise<Answers> => {
    if (rows === 0) return noAnswers(signature);
    const feeds = feedsOf(signature, features, rows);
    try {
      return answersOf(await session.run(feeds, names), signature, rows);
    } catch (caught) {
      if (caught instanceof PerennialError) throw caught;
      throw new PerennialError('prediction-invalid', `the model failed: ${sayOf(reasonOf(caught))}`, {
        output: signature.output.name,
      });
    }
  };
  return {
    signature,
    predictEach: (features, rows) => answerEach(run, signature, features, rows),
    predict: async (features, rows) => mustBeFinite(await run(features, rows), signature),
    release: () => session.release(),
  };
}
