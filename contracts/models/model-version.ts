import { z } from 'zod';
import { Id, Instant, Sha256 } from '../identifiers.ts';
import { IntegerKindSchema } from '../data/integer-kind.ts';
import { UnlabelledRows } from '../data/unlabelled-rows.ts';

/** Open Inference Protocol datatypes that the gateway takes and gives. */
export const TensorType = z.enum(['BOOL', 'INT64', 'FP32', 'FP64', 'BYTES']);
export type TensorType = z.infer<typeof TensorType>;

/** A class as the data has it. */
export const ClassValue = z.union([z.string(), z.number(), z.boolean()]);
export type ClassValue = z.infer<typeof ClassValue>;

/** The value that replaces a missing value of the feature, if the configuration sets one. */
export const Fill = z.union([z.string().max(1000), z.number(), z.boolean()]);
export type Fill = z.infer<typeof Fill>;

export const SignatureInput = z.object({
  name: z.string(),
  type: TensorType,
  /** For `INT64`, the narrower integer type of the graph's input; values out of its range are refused. */
  integer: IntegerKindSchema.optional(),
  /** 1: the graph's input has the shape `[rows]` and not `[rows, 1]`. */
  rank: z.literal(1).optional(),
  /** The version was built from rows with missing values of this feature, so a request may omit it. */
  missing: z.literal(true).optional(),
  fill: Fill.optional(),
});
export type SignatureInput = z.infer<typeof SignatureInput>;

/**
 * `layout: matrix`: the ONNX graph has one input `[rows, features]` of one type, columns in the order of `inputs`.
 * `layout: columns`: it has one input `[rows, 1]` a feature, named as the feature.
 * The gateway offers one tensor a feature either way.
 */
export const Signature = z.object({
  schemaVersion: z.literal(1),
  layout: z.enum(['matrix', 'columns']),
  /** The ONNX input's name for `matrix`. */
  inputName: z.string().optional(),
  inputs: z.array(SignatureInput),
  /**
   * The answer: one value a row, of a classifier its label. `from: probabilities`: the graph has no labels, and the
   * platform answers with the class of the greatest probability under this name. `labels`: the graph's labels are not the
   * classes as the data has them; `spelled`: the same values written otherwise; `places`: whole numbers that count `classes`.
   */
  output: z.object({
    name: z.string(),
    type: TensorType,
    from: z.literal('probabilities').optional(),
    labels: z.enum(['spelled', 'places']).optional(),
  }),
  /** Of a classifier: the classes that it was trained on, in the order of its probabilities. */
  classes: z.array(ClassValue).optional(),
  /** `width` 1: that of the second of two classes. */
  probabilities: z.object({ name: z.string(), type: TensorType, width: z.number().int() }).optional(),
  /** Numbers that the graph answers besides; `width` a row. They are given to whoever asks, and judged by nobody. */
  vectors: z.array(z.object({ name: z.string(), type: TensorType, width: z.number().int() })).optional(),
});
export type Signature = z.infer<typeof Signature>;

/** The distribution of one numeric column as it was when trained: decile edges, shares per bin, and sorted distinct values with counts. */
export const NumericReference = z.object({
  kind: z.literal('numeric'),
  name: z.string(),
  count: z.number().int(),
  edges: z.array(z.number()),
  counts: z.array(z.number().int()),
  values: z.array(z.number()),
  valueCounts: z.array(z.number().int()),
  /** Rows without a value; absent where it was not counted. */
  missing: z.number().int().optional(),
});
export type NumericReference = z.infer<typeof NumericReference>;
export const CategoricalReference = z.object({
  kind: z.literal('categorical'),
  name: z.string(),
  count: z.number().int(),
  categories: z.array(z.string()),
  counts: z.array(z.number().int()),
  missing: z.number().int().optional(),
});
export type CategoricalReference = z.infer<typeof CategoricalReference>;
export const ColumnReference = z.discriminatedUnion('kind', [NumericReference, CategoricalReference]);
export type ColumnReference = z.infer<typeof ColumnReference>;

const Trees = z.object({
  start: z.number(),
  trees: z
    .array(
      z.object({
        feature: z.array(z.number().int()).readonly(),
        threshold: z.array(z.number()).readonly(),
        left: z.array(z.number().int()).readonly(),
        right: z.array(z.number().int()).readonly(),
        value: z.array(z.number()).readonly(),
      }),
    )
    .readonly(),
});

const RisingCurve = z.object({ x: z.array(z.number()), y: z.array(z.number()) });

/** By metric. */
const SamplingErrors = z.record(z.string(), z.object({ deviation: z.number(), fraction: z.number() }));

/** What was learnt from the holdout's truth, so that performance can be estimated where there are no labels. */
export const Estimation = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('cbpe'),
    rows: z.number().int(),
    /** From a probability to the one that is believed. */
    calibration: RisingCurve,
    samplingErrors: SamplingErrors,
  }),
  z.object({
    kind: z.literal('cbpe-multiclass'),
    rows: z.number().int(),
    classes: z.array(z.string()),
    /** One a class, of it against the rest; what is believed of a row is made to sum to 1 after them. */
    calibrations: z.array(RisingCurve),
    samplingErrors: SamplingErrors,
  }),
  z.object({
    kind: z.literal('dle'),
    rows: z.number().int(),
    /** In the order of the trees' features; the prediction comes after them. */
    features: z.array(z.string()),
    absolute: Trees,
    squared: Trees,
    absoluteDeviation: z.number(),
    squaredDeviation: z.number(),
    squaredMean: z.number(),
  }),
]);
export type Estimation = z.infer<typeof Estimation>;

/** What monitoring compares with; a blob named by its digest. */
export const MonitoringReference = z.object({
  schemaVersion: z.literal(1),
  /** Features over the training rows. */
  features: z.array(ColumnReference),
  target: ColumnReference,
  /** The model's answers on the holdout. */
  prediction: ColumnReference,
  /** Absent where there was too little to learn from, and in versions from before it was learnt. */
  estimation: Estimation.optional(),
});
export type MonitoringReference = z.infer<typeof MonitoringReference>;

/** Which rows a version was trained on: half-open in time, minus its own holdout. */
export const TrainedRows = z.object({
  dataset: Sha256,
  from: Instant,
  to: Instant,
  holdout: z.union([
    z.object({ kind: z.literal('last'), from: Instant }),
    z.object({ kind: z.literal('fraction'), fraction: z.number(), by: z.string() }),
    /** A refit: nothing of the window was kept from it. */
    z.object({ kind: z.literal('none') }),
  ]),
  trainingRows: z.number().int(),
  holdoutRows: z.number().int(),
  /** Rows of the window that have no target and were left out of both; absent where every row has one. */
  unlabelled: UnlabelledRows.optional(),
  /** With `data.fill`: how many training rows had no value of a feature before it was filled in, and how many held-out rows have none. */
  filled: z.array(z.object({ name: z.string(), rows: z.number().int(), heldOut: z.number().int() })).optional(),
});
export type TrainedRows = z.infer<typeof TrainedRows>;

/** All that decides the bytes of a model; its digest is the training key. */
export const TrainingKeyParts = z.object({
  schemaVersion: z.literal(1),
  training: Sha256,
  holdout: Sha256,
  target: z.string(),
  features: z.array(z.string()),
  code: Sha256,
  environment: z.object({ lock: Sha256.nullable(), interpreter: z.string(), platform: z.string() }),
  params: z.record(z.string(), z.json()),
  seed: z.number().int(),
  /** `data.fill`, where the configuration has it. */
  fill: z.record(z.string(), Fill).optional(),
  /** `build.classes` and `build.output`: how the answers of the same bytes are read. Absent where they are not set. */
  classes: z.array(ClassValue).optional(),
  output: z.string().optional(),
  /** Of a refit: the training key of the version that was evaluated, whose evaluation it cites. */
  refitOf: Sha256.optional(),
});
export type TrainingKeyParts = z.infer<typeof TrainingKeyParts>;

export const ModelVersion = z.object({
  id: Id,
  modelId: Id,
  number: z.number().int(),
  format: z.literal('onnx'),
  artifact: Sha256,
  artifactBytes: z.number().int(),
  signature: Signature,
  reference: Sha256,
  trainingKey: Sha256,
  trainingKeyParts: TrainingKeyParts,
  trained: TrainedRows,
  datasetVersionId: Id,
  codeVersionId: Id,
  configurationId: Id,
  /** The script's own numbers: logged, never trusted. */
  scriptMetrics: z.record(z.string(), z.number()),
  /** Other files that the script wrote. */
  files: z.array(z.object({ path: z.string(), sha256: Sha256, bytes: z.number().int() })),
  runId: Id,
  recordedAt: Instant,
  recordedBy: Id,
});
export type ModelVersion = z.infer<typeof ModelVersion>;
