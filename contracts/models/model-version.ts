import { z } from 'zod';
import { Id, Instant, Sha256 } from '../identifiers.ts';
import { UnlabelledRows } from '../data/unlabelled-rows.ts';
import { withModelFormat } from '../model-format.ts';
import { ClassValue, Fill } from './signature.ts';

/**
 * Distribution of a numeric column at training time: decile edges, counts per bin, and sorted distinct values with
 * their counts.
 */
export const NumericReference = z.object({
  kind: z.literal('numeric'),
  name: z.string(),
  count: z.number().int(),
  edges: z.array(z.number()),
  counts: z.array(z.number().int()),
  values: z.array(z.number()),
  valueCounts: z.array(z.number().int()),
  /** Number of rows without a value; absent if they were not counted. */
  missing: z.number().int().optional(),
  /**
   * Number of distinct values, if there were too many to keep: `values` are then means of groups of neighbouring values.
   * Edges and counts are those of the values themselves.
   */
  condensed: z.number().int().optional(),
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

/** Sampling error by metric name. */
const SamplingErrors = z.record(z.string(), z.object({ deviation: z.number(), fraction: z.number() }));

/**
 * What was learnt from the holdout's labels in order to estimate performance where labels are missing. CBPE is for
 * classifiers, DLE for regressions.
 */
export const Estimation = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('cbpe'),
    rows: z.number().int(),
    /** Maps a predicted probability to the calibrated one. */
    calibration: RisingCurve,
    samplingErrors: SamplingErrors,
  }),
  z.object({
    kind: z.literal('cbpe-multiclass'),
    rows: z.number().int(),
    classes: z.array(z.string()),
    /**
     * One calibration curve per class, one class against the rest. The calibrated probabilities of a row are then
     * normalised to sum to 1.
     */
    calibrations: z.array(RisingCurve),
    samplingErrors: SamplingErrors,
  }),
  z.object({
    kind: z.literal('dle'),
    rows: z.number().int(),
    /** In the order that the trees index them. The prediction follows as the last input. */
    features: z.array(z.string()),
    absolute: Trees,
    squared: Trees,
    absoluteDeviation: z.number(),
    squaredDeviation: z.number(),
    squaredMean: z.number(),
  }),
]);
export type Estimation = z.infer<typeof Estimation>;

/** The distributions that monitoring compares with, stored as a blob and identified by its digest. */
export const MonitoringReference = z.object({
  schemaVersion: z.literal(1),
  /** Distributions of the features in the training rows. */
  features: z.array(ColumnReference),
  target: ColumnReference,
  /** Distribution of the model's predictions on the holdout. */
  prediction: ColumnReference,
  /** Absent if the holdout was too small to learn an estimator from, and in versions from before estimation existed. */
  estimation: Estimation.optional(),
});
export type MonitoringReference = z.infer<typeof MonitoringReference>;

/** The rows that a version was trained on: those of a half-open time window, without the version's own holdout. */
export const TrainedRows = z.object({
  dataset: Sha256,
  from: Instant,
  to: Instant,
  holdout: z.union([
    z.object({ kind: z.literal('last'), from: Instant }),
    z.object({ kind: z.literal('fraction'), fraction: z.number(), by: z.string() }),
    /** A refit: no row of the window was held out. */
    z.object({ kind: z.literal('none') }),
  ]),
  trainingRows: z.number().int(),
  holdoutRows: z.number().int(),
  /**
   * Rows of the window without a target, which were excluded from training rows and holdout. Absent if every row has a
   * target.
   */
  unlabelled: UnlabelledRows.optional(),
  /**
   * With `data.fill`: for each feature, how many training rows had no value before the fill, and how many held-out rows
   * have none.
   */
  filled: z.array(z.object({ name: z.string(), rows: z.number().int(), heldOut: z.number().int() })).optional(),
});
export type TrainedRows = z.infer<typeof TrainedRows>;

/** Everything that determines the bytes of a model. The digest of these parts is the training key. */
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
  /** `data.fill`, if the configuration sets it. */
  fill: z.record(z.string(), Fill).optional(),
  /**
   * `build.classes` and `build.output`, if the configuration sets them: they decide how the outputs of the same bytes
   * are read.
   */
  classes: z.array(ClassValue).optional(),
  output: z.string().optional(),
  /** For a refit: the training key of the version whose evaluation it cites. */
  refitOf: Sha256.optional(),
});
export type TrainingKeyParts = z.infer<typeof TrainingKeyParts>;

const modelVersionFields = {
  id: Id,
  modelId: Id,
  number: z.number().int(),
  artifact: Sha256,
  artifactBytes: z.number().int(),
  reference: Sha256,
  trainingKey: Sha256,
  trainingKeyParts: TrainingKeyParts,
  trained: TrainedRows,
  datasetVersionId: Id,
  codeVersionId: Id,
  configurationId: Id,
  /** Metrics reported by the training script. They are stored for information and never used for decisions. */
  scriptMetrics: z.record(z.string(), z.number()),
  /** Other files that the training script wrote. */
  files: z.array(z.object({ path: z.string(), sha256: Sha256, bytes: z.number().int() })),
  runId: Id,
  recordedAt: Instant,
  recordedBy: Id,
};

/**
 * Returns the schema of a model version with additional fields: a union discriminated by `format`, like ModelVersion
 * itself.
 */
export function modelVersionWith<Shape extends z.ZodRawShape>(shape: Shape) {
  return withModelFormat({ ...modelVersionFields, ...shape });
}

export const ModelVersion = modelVersionWith({});
export type ModelVersion = z.infer<typeof ModelVersion>;
