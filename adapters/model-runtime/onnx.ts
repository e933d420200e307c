import type { InferenceSession } from 'onnxruntime-node';
import { PerennialError, reasonOf } from '../../contracts/errors.ts';
import type { Signature } from '../../contracts/model-version.ts';
import type { LoadedModel, ModelRuntime } from '../../ports/model-runtime.ts';
import { refuseExternalData } from './external-data.ts';
import { inspectInProcess } from './inspect-in-process.ts';
import { openSession, sayOf } from './session.ts';
import { feedsOf, predictionsOf } from './tensors.ts';

export interface OnnxModelRuntimeSettings {
  /** Of one inspection, in milliseconds. Default: two minutes. */
  readonly timeLimitMs?: number;
  /** Of one inspection, in MiB. Default: 4096. */
  readonly memoryMebibytes?: number;
}

/** ONNX Runtime on the CPU. Calls of `predict` hold the event loop, so callers join rows. */
export function createOnnxModelRuntime(settings: OnnxModelRuntimeSettings = {}): ModelRuntime {
  const { timeLimitMs = 120_000, memoryMebibytes = 4096 } = settings;
  return {
    inspect: (path, features, sample, rows) =>
      inspectInProcess({ path, features, sample, rows }, { timeLimitMs, memoryMebibytes }),
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
  const output = signature.output.name;
  return {
    signature,
    async predict(features, rows) {
      if (rows === 0) return new Float64Array();
      const feeds = feedsOf(signature, features, rows);
      try {
        return predictionsOf((await session.run(feeds, [output]))[output], output, rows);
      } catch (caught) {
        if (caught instanceof PerennialError) throw caught;
        throw new PerennialError('prediction-invalid', `the model failed: ${sayOf(reasonOf(caught))}`, { output });
      }
    },
    release: () => session.release(),
  };
}
