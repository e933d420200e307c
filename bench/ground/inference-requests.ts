import type { BoostedClassifier } from './boosted-classifier.ts';
import { servedModel } from './served-classifier.ts';

/** One kind of request to a gateway. */
export interface InferenceRequest {
  readonly path: string;
  readonly contentType: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly rows: number;
}

const inferPath = `/v2/models/${servedModel}/infer`;

function json(path: string, rows: number, body: object): InferenceRequest {
  const bytes = new TextEncoder().encode(JSON.stringify(body));
  return { path, contentType: 'application/json', headers: {}, body: bytes, rows };
}

/** Open Inference with one tensor per feature, as a client sends columns. */
export function featureTensors({ features, rows }: BoostedClassifier, count: number): InferenceRequest {
  const taken = rows.slice(0, count);
  const inputs = features.map((name, at) => ({
    name,
    datatype: 'FP32',
    shape: [count],
    data: taken.map((row) => row[at]),
  }));
  return json(inferPath, count, { inputs });
}

/** Open Inference with one tensor of shape [rows, features]. `X` is the graph's own input. */
export function matrixTensor({ features, rows }: BoostedClassifier, count: number): InferenceRequest {
  const data = rows.slice(0, count).flat();
  return json(inferPath, count, { inputs: [{ name: 'X', datatype: 'FP32', shape: [count, features.length], data }] });
}

/** MLflow's scoring protocol with named columns. */
export function splitFrame({ features, rows }: BoostedClassifier, count: number): InferenceRequest {
  const body = { dataframe_split: { columns: features, data: rows.slice(0, count) } };
  return json(`/invocations?model=${servedModel}`, count, body);
}

/** Open Inference with the binary tensor extension: the tensor's bytes follow the JSON. Outputs are binary too. */
export function binaryMatrix({ features, rows }: BoostedClassifier, count: number): InferenceRequest {
  const values = Float32Array.from(rows.slice(0, count).flat());
  const head = new TextEncoder().encode(
    JSON.stringify({
      inputs: [
        {
          name: 'X',
          datatype: 'FP32',
          shape: [count, features.length],
          parameters: { binary_data_size: values.byteLength },
        },
      ],
      parameters: { binary_data_output: true },
    }),
  );
  return {
    path: inferPath,
    contentType: 'application/octet-stream',
    headers: { 'inference-header-content-length': String(head.length) },
    body: Buffer.concat([head, new Uint8Array(values.buffer)]),
    rows: count,
  };
}
