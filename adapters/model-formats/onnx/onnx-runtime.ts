import { createRequire } from 'node:module';
import type * as OnnxRuntime from 'onnxruntime-node';

// Official builds report each process, each model's name, digest and producer, and timings to the library's maker. They
// also leave a device id in the user's cache folder and a file in /tmp. The library reads this variable once, when it
// starts.
process.env.ORT_DISABLE_TELEMETRY = '1';

/** ONNX Runtime. No other file loads it, so that the variable above is always set first. */
export const onnxRuntime: typeof OnnxRuntime = createRequire(import.meta.url)('onnxruntime-node');
