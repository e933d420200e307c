import { z } from 'zod';
import { Id, Instant, Sha256 } from '../identifiers.ts';
import { UnlabelledRows } from '../data/unlabelled-rows.ts';
import { withModelFormat } from '../model-format.ts';
import { ClassValue, Fill } from './signature.ts';

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
  /** The script's own numbers: logged, never trusted. */
  scriptMetrics: z.record(z.string(), z.number()),
  /** Other files that the script wrote. */
  files: z.array(z.object({ path: z.string(), sha256: Sha256, bytes: z.number().int() })),
  runId: Id,
  recordedAt: Instant,
  recordedBy: Id,
};

/** A version with more fields: a union by `format`, as a version is. */
export function modelVersionWith<Shape extends z.ZodRawShape>(shape: Shape) {
  return withModelFormat({ ...modelVersionFields, ...shape });
}

export const ModelVersion = modelVersionWith({});
export type ModelVersion = z.infer<typeof ModelVersion>;
