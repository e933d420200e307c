import { z } from 'zod';
import { Id, Instant, Sha256 } from '../identifiers.ts';
import { TrainedRows, TrainingKeyParts } from './model-version.ts';

/**
 * Everything that a build resolves before training. It is stored as a blob, so that every later step reads the same
 * plan.
 */
export const BuildPlan = z.object({
  schemaVersion: z.literal(1),
  asOf: Instant,
  datasetVersionId: Id,
  codeVersionId: Id,
  configurationId: Id,
  train: Sha256,
  holdout: Sha256,
  /** The features of the holdout, without the target; null if the training script did not ask for them. */
  validation: Sha256.nullable(),
  trained: TrainedRows,
  trainingKey: Sha256,
  trainingKeyParts: TrainingKeyParts,
  championVersionId: Id.nullable(),
});
export type BuildPlan = z.infer<typeof BuildPlan>;

/** The output of a training attempt, before it is checked. */
export const TrainedFiles = z.object({
  schemaVersion: z.literal(1),
  artifact: Sha256,
  /** The model file's path in the output folder; the model format is detected from it. Absent in older files. */
  artifactPath: z.string().optional(),
  artifactBytes: z.number().int(),
  scriptMetrics: z.record(z.string(), z.number()),
  files: z.array(z.object({ path: z.string(), sha256: Sha256, bytes: z.number().int() })),
  leaseHolder: z.string(),
});
export type TrainedFiles = z.infer<typeof TrainedFiles>;
