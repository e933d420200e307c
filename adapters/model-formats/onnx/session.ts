import type { InferenceSession } from 'onnxruntime-node';
import { onnxRuntime } from './onnx-runtime.ts';

export type TensorMetadata = InferenceSession.TensorValueMetadata;

// One thread: a call holds the event loop until it is done, and whoever wants more throughput joins rows. The order of
// operations, and with it the last bit of an answer, is then always the same.
const options: InferenceSession.SessionOptions = {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  logSeverityLevel: 4,
};

/** From bytes and never from a path: a session then has no folder that a model could refer to. */
export function openSession(bytes: Uint8Array): Promise<InferenceSession> {
  return onnxRuntime.InferenceSession.create(bytes, options);
}

/** What ONNX Runtime says, in one line and without any path of this machine or of the one it was built on. */
export function sayOf(reason: string): string {
  const line = reason.replaceAll(/\s+/g, ' ').replaceAll(/(?:[A-Za-z]:)?(?:[\\/][\w.@+-]+){2,}[\\/]?/g, '…');
  return line.length > 300 ? `${line.slice(0, 300)}…` : line.trim();
}
