import { z } from 'zod';
import { Id, Instant, Sha256 } from '../identifiers.ts';
import { TrainedRows, TrainingKeyParts } from './model-version.ts';

/** What a build resolved before it trained; a blob, so that every later step reads the same. */
export const BuildPlan = z.object({
  schemaVersion: z.literal(1),
  asOf: Instant,
  datasetVersionId: Id,
  codeVersionId: Id,
  configurationId: Id,
  train: Sha256,
  holdout: Sha256,
  /** The holdout's features alone, when the script asked for it. */
  validation: Sha256.nullable(),
  trained: TrainedRows,
  trainingKey: Sha256,
  trainingKeyParts: TrainingKeyParts,
  championVersionId: Id.nullable(),
});
export type BuildPlan = z.infer<typeof BuildPlan>;

/** What a training attempt made, before it is looked at. */
export const TrainedFiles = z.object({
  schemaVersion: z.literal(1),
  artifact: Sha256,
  /** The model's path in the output folder, by which its format is detected. Absent in older files. */
  artifactPath: z.string().optional(),
  artifactBytes: z.number().int(),
  scriptMetrics: z.record(z.string(), z.number()),
  files: z.array(z.object({ path: z.string(), sha256: Sha256, bytes: z.number().int() })),
  leaseHolder: z.string(),
});
export type TrainedFiles = z.infer<typeof TrainedFiles>;
