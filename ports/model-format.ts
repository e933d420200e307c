import type { ColumnBatch } from '../contracts/data/column-batch.ts';
import type { Cell } from '../contracts/data/data-types.ts';
import type { LatencyMeasurement } from '../contracts/models/evaluation.ts';
import type { Task } from '../contracts/models/metrics.ts';
import type { ClassValue, Signature } from '../contracts/models/signature.ts';

/** A row for which the model gave no answer. */
export interface RowFailure {
  readonly row: number;
  readonly reason: string;
}

/** Answers of a model to `rows` rows. Each list holds the rows one after the other. */
export interface Answers {
  readonly rows: number;
  /** One value per row: finite numbers, or a classifier's labels. */
  readonly values: Float64Array | readonly ClassValue[];
  /** `signature.probabilities.width` numbers per row; null: the model gives no probabilities. */
  readonly probabilities: Float64Array | null;
  /** Vectors by output name, `width` numbers per row. A number that is not finite does not fail the row. */
  readonly vectors: Readonly<Record<string, Float64Array>>;
  /** Rows without a finite value or probabilities, in ascending order; their entries in the lists above are meaningless. */
  readonly failures: readonly RowFailure[];
}

export interface LoadedModel {
  readonly signature: Signature;
  /**
   * Predicts every row, or throws `prediction-invalid` if any row has no finite answer. The batch has the columns of the
   * signature's inputs, in their order; the signature decides how missing values are handled. Many rows do not hold the
   * event loop.
   */
  predict(batch: ColumnBatch): Promise<Answers>;
  /** Predicts like `predict`, but lists rows without a finite answer under `failures` instead of throwing. */
  predictEach(batch: ColumnBatch): Promise<Answers>;
  /** Frees native memory. Do not call `predict` afterwards. */
  release(): Promise<void>;
}

/** Rows with known classes, used to match a classifier's outputs to the classes. A row's `truth` is null if unknown. */
export interface EvidenceRows {
  readonly columns: Readonly<Record<string, readonly Cell[]>>;
  readonly truth: readonly Cell[];
}

/** The answers expected from a model: its task and, for a classifier, the sorted classes of its training rows. */
export interface WantedAnswers {
  readonly task: Task;
  readonly classes: readonly ClassValue[];
  /**
   * `build.classes`: the same classes, in the order of the model's probabilities and of labels given as whole numbers.
   */
  readonly order?: readonly ClassValue[] | undefined;
  /** `build.output`: which output to measure, if the model has several. */
  readonly output?: string | undefined;
  /** Extra rows for a classifier, used in addition to the sample. */
  readonly evidence?: EvidenceRows | undefined;
}

/** A model file written by a training script. */
export interface Artifact {
  readonly path: string;
  /** Paths, by name, of plain files that the script wrote next to the model. The model may keep tensors in them. */
  readonly files: Readonly<Record<string, string>>;
  /** An empty folder for the converted model, if serving needs a conversion. */
  readonly outputFolder: string;
}

export interface InspectedArtifact<Own extends Signature = Signature> {
  readonly signature: Own;
  /** Path of the converted model, which the signature describes; null: the artifact is served unchanged. */
  readonly converted: string | null;
  /** One sentence per conversion that was made. */
  readonly notes: readonly string[];
}

/** Input of the first check of an artifact that has never been loaded. */
export interface Inspection {
  readonly artifact: Artifact;
  readonly features: readonly string[];
  /** One array per feature, each of length `rows`. */
  readonly sample: Readonly<Record<string, readonly Cell[]>>;
  readonly rows: number;
  /** Default: a regression. */
  readonly wanted?: WantedAnswers | undefined;
}

/**
 * Input of the latency measurement of an inspected artifact. Each call predicts one row and cycles through the sample.
 */
export interface LatencyOrder<Own extends Signature = Signature> {
  readonly path: string;
  readonly signature: Own;
  readonly sample: Readonly<Record<string, readonly Cell[]>>;
  readonly rows: number;
  /** Maximum number of calls. A slow model gets fewer. */
  readonly calls: number;
}

/** Recognises and runs models of one format. `Own` is the signature including the fields that the format adds. */
export interface ModelFormat<Own extends Signature = Signature> {
  /** Returns whether the file at this path of a script's output folder is of this format, judged by the name alone. */
  detect(path: string): boolean;
  /**
   * Checks an artifact that has never been loaded, in a separate process. Converts what can be converted without loss,
   * refuses a model that would load other files, loads it, matches its inputs to `features`, predicts `sample` once,
   * and identifies each output by shape, type and values. Errors: `artifact-invalid`, whose field `beside` names files
   * that the model needs and was not given; `prediction-invalid`.
   */
  inspect(inspection: Inspection): Promise<InspectedArtifact<Own>>;
  /** Measures one-row predictions of an inspected artifact in a separate process, after a warm-up. */
  measureLatency(order: LatencyOrder<Own>): Promise<LatencyMeasurement>;
  /** Loads an inspected artifact into this process. */
  load(bytes: Uint8Array, signature: Own): Promise<LoadedModel>;
}

/** Registry of the known formats. */
export interface ModelFormats {
  /**
   * Returns the name of the first format that recognises the path of a script's model. Throws `artifact-invalid` if
   * none does.
   */
  detect(path: string): string;
  /** Returns the format with this name. Throws `internal` if it is not registered. */
  named(format: string): ModelFormat;
}
