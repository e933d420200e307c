import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '../../stack/ports.ts';
import type { BoostedClassifier } from '../ground/boosted-classifier.ts';
import { pythonWith } from '../ground/python-environment.ts';
import { servedModel } from '../ground/served-classifier.ts';
import type { BenchContext } from '../running/bench-context.ts';
import { startProgram } from '../running/start-program.ts';

const folderOfPeer = join(import.meta.dirname, 'mlserver');
const readyWithinMs = 60_000;

/**
 * How MLServer serves the model. `scikit-learn` is its own runtime for the trained object, with the adaptive batching
 * that its documentation recommends. `onnx` is a custom runtime for the same ONNX file that Perennial serves. Neither
 * uses the pool of processes, which copies each request to another process and is slower for a model this small.
 */
export type MlServerRuntime = 'scikit-learn' | 'onnx';

/** Starts MLServer and returns its address. Throws `Absent` where its packages cannot be installed. */
export async function startMlServer(
  bench: BenchContext,
  classifier: BoostedClassifier,
  runtime: MlServerRuntime,
): Promise<string> {
  const python = await pythonWith(bench, join(folderOfPeer, 'requirements.lock'));
  const folder = join(bench.scratch, `mlserver-${runtime}`);
  await mkdir(folder);
  await copyFile(join(folderOfPeer, 'onnx_runtime.py'), join(folder, 'onnx_runtime.py'));
  const [http, grpc, metrics] = [await freePort(), await freePort(), await freePort()];
  const settings = { host: '127.0.0.1', http_port: http, grpc_port: grpc, metrics_port: metrics };
  await writeJson(join(folder, 'settings.json'), {
    ...settings,
    debug: false,
    gzip_enabled: false,
    parallel_workers: 0,
  });
  await writeJson(join(folder, 'model-settings.json'), { name: servedModel, ...modelSettings(classifier, runtime) });
  const bin = dirname(python);
  const env = { ...process.env, PYTHONPATH: folder, PATH: [bin, process.env.PATH].join(delimiter) };
  const server = startProgram(bench, join(bin, 'mlserver'), ['start', folder], { env, cwd: folder });
  const address = `http://127.0.0.1:${http}`;
  const begun = Date.now();
  while (!(await isReady(address))) {
    bench.signal.throwIfAborted();
    if (server.child.exitCode !== null || Date.now() - begun > readyWithinMs)
      throw new Error(`MLServer did not start: ${server.said()}`);
    await pause(100);
  }
  return address;
}

function modelSettings({ joblibFile, onnxFile }: BoostedClassifier, runtime: MlServerRuntime): object {
  return runtime === 'onnx'
    ? { implementation: 'onnx_runtime.OnnxRuntime', parameters: { uri: onnxFile } }
    : {
        implementation: 'mlserver_sklearn.SKLearnModel',
        parameters: { uri: joblibFile },
        max_batch_size: 32,
        max_batch_time: 0.001,
      };
}

async function isReady(address: string): Promise<boolean> {
  try {
    return (await fetch(`${address}/v2/models/${servedModel}/ready`, { signal: AbortSignal.timeout(2_000) })).ok;
  } catch {
    return false;
  }
}

function writeJson(path: string, content: object): Promise<void> {
  return writeFile(path, JSON.stringify(content));
}
