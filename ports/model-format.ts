import type { Cell } from '../contracts/data/data-types.ts';
import type { LatencyMeasurement } from '../contracts/models/evaluation.ts';
import type { Task } from '../contracts/models/metrics.ts';
import type { ClassValue, Signature } from '../contracts/models/signature.ts';

/** A row that the model has no answer to. */
export interface RowFailure {
  readonly row: number;
  readonly reason: string;
}

/** What a model answers; each list has its rows one after the other. */
export interface Answers {
  readonly rows: number;
  /** One a row: finite numbers, or of a classifier its labels. */
  readonly values: Float64Array | readonly ClassValue[];
  /** `signature.probabilities.width` a row; null: the model gives none. */
  readonly probabilities: Float64Array | null;
  /** By name, `width` numbers a row; numbers that are not finite do not fail the row. */
  readonly vectors: Readonly<Record<string, Float64Array>>;
  /** Rows without a finite value or probabilities, in ascending order; their entries in the lists above are meaningless. */
  readonly failures: readonly RowFailure[];
}

export interface LoadedModel {
  readonly signature: Signature;
  /**
   * A finite answer to every row, or `prediction-invalid`. `features` holds one array a feature, all of length `rows`;
   * a missing value is null, and the signature decides how it is handled.
   */
  predict(features: Readonly<Record<string, readonly Cell[]>>, rows: number): Promise<Answers>;
  /** The same for callers who want the good rows too: a row without a finite answer is among the failures. */
  predictEach(features: Readonly<Record<string, readonly Cell[]>>, rows: number): Promise<Answers>;
  /** Frees native memory; predict must not be called afterwards. */
  release(): Promise<void>;
}

/** Rows that tie a classifier's answers to the classes: columns, and the class of each row, null if unknown. */
export interface EvidenceRows {
  readonly columns: Readonly<Record<string, readonly Cell[]>>;
  readonly truth: readonly Cell[];
}

/** What a model's answers are to be: the task, and for a classifier the classes of its training rows, sorted. */
export interface WantedAnswers {
  readonly task: Task;
  readonly classes: readonly ClassValue[];
  /** `build.classes`: the same classes in the order of the model's probabilities and of labels that are whole numbers. */
  readonly order?: readonly ClassValue[] | undefined;
  /** `build.output`: the output to measure, if there are several. */
  readonly output?: string | undefined;
  /** Used in addition to the sample, for a classifier. */
  readonly evidence?: EvidenceRows | undefined;
}

/** A model that a script wrote. */
export interface Artifact {
  readonly path: string;
  /** Paths of plain files that it wrote beside it, by their names; the model may keep tensors in them. */
  readonly files: Readonly<Record<string, string>>;
  /** An empty folder for the converted model, if serving needs a conversion. */
  readonly outputFolder: string;
}

export interface InspectedArtifact<Own extends Signature = Signature> {
  readonly signature: Own;
  /** The path of the converted model, which the signature describes; null: the artifact is served unchanged. */
  readonly converted: string | null;
  /** One sentence for each conversion. */
  readonly notes: readonly string[];
}

/** What an artifact is tried with, when nobody has loaded it before. */
export interface Inspection {
  readonly artifact: Artifact;
  readonly features: readonly string[];
  /** One array a feature, all of length `rows`. */
  readonly sample: Readonly<Record<string, readonly Cell[]>>;
  readonly rows: number;
  /** Default: a regression. */
  readonly wanted?: WantedAnswers | undefined;
}

/** How the latency of an inspected artifact is measured: calls of one row, with rows of the sample in turn. */
export interface LatencyOrder<Own extends Signature = Signature> {
  readonly path: string;
  readonly signature: Own;
  readonly sample: Readonly<Record<string, readonly Cell[]>>;
  readonly rows: number;
  /** A slow model is called fewer times. */
  readonly calls: number;
}

/** How models of one format are recognised and run. `Own` is the signature with what the format adds to it. */
export interface ModelFormat<Own extends Signature = Signature> {
  /** Whether a script's model at this path of its output folder is of this format. Looks at the name alone. */
  detect(path: string): boolean;
  /**
   * Looks at an artifact that nobody has loaded before, in a process of its own: converts what can be converted without
   * loss, refuses what would load other files, loads it, matches inputs with `features`, predicts `sample` once, and tells
   * by shape, type and values which output is what. `artifact-invalid`, whose field `beside` names files that it wants and
   * was not given; `prediction-invalid`.
   */
  inspect(inspection: Inspection): Promise<InspectedArtifact<Own>>;
  /** Times calls of one row of an inspected artifact, in a process of its own, after a warm-up. */
  measureLatency(order: LatencyOrder<Own>): Promise<LatencyMeasurement>;
  /** Loads an inspected artifact into this process. */
  load(bytes: Uint8Array, signature: Own): Promise<LoadedModel>;
}

/** The registered formats. */
export interface ModelFormats {
  /** The name of the first format that recognises the path of a script's model. `artifact-invalid` if none does. */
  detect(path: string): string;
  /** `internal` if it is not registered. */
  named(format: string): ModelFormat;
}
