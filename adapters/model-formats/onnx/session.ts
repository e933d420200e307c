import type { InferenceSession } from 'onnxruntime-node';
import { onnxRuntime } from './onnx-runtime.ts';

export type TensorMetadata = InferenceSession.TensorValueMetadata;

// One thread: a call blocks the event loop until it is done, and callers gain throughput by sending many rows per call.
// With one thread the order of operations, and so the last bit of an answer, is always the same.
const options: InferenceSession.SessionOptions = {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  logSeverityLevel: 4,
};

/**
 * Opens a session from bytes and never from a path, so that the session has no folder from which the model could load
 * files.
 */
export function openSession(bytes: Uint8Array): Promise<InferenceSession> {
  return onnxRuntime.InferenceSession.create(bytes, options);
}

/** Returns a message of ONNX Runtime as one line, without paths of this machine or of the machine that built it. */
export function sayOf(reason: string): string {
  const line = reason.replaceAll(/\s+/g, ' ').replaceAll(/(?:[A-Za-z]:)?(?:[\\/][\w.@+-]+){2,}[\\/]?/g, '…');
  return line.length > 300 ? `${line.slice(0, 300)}…` : line.trim();
}
