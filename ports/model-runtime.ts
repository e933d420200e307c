import type { Cell } from '../contracts/data-types.ts';
import type { Signature } from '../contracts/model-version.ts';

export interface LoadedModel {
  readonly signature: Signature;
  /** One finite number a row, or `prediction-invalid`. `features` holds one array a feature, all of length `rows`. */
  predict(features: Readonly<Record<string, readonly Cell[]>>, rows: number): Promise<Float64Array>;
  /** Frees native memory; predict must not be called afterwards. */
  release(): Promise<void>;
}

export interface ModelRuntime {
  /**
   * Looks at an artifact that nobody has loaded before, in a process of its own: refuses external data by reading the
   * protobuf first, loads it, matches inputs with `features`, and predicts `sample` once. `artifact-invalid`, `prediction-invalid`.
   */
  inspect(
    path: string,
    features: readonly string[],
    sample: Readonly<Record<string, readonly Cell[]>>,
    rows: number,
  ): Promise<Signature>;
  /** Loads an inspected artifact into this process. */
  load(bytes: Uint8Array, signature: Signature): Promise<LoadedModel>;
}
