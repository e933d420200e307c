import { z } from 'zod';
import { Id, Instant, Name, Sha256 } from '../identifiers.ts';

/** The set that is approved, deployed and rolled back as one. The digest of its canonical JSON is its identity. */
export const ReleaseBody = z.object({
  schemaVersion: z.literal(1),
  model: z.object({ project: Name, name: Name }),
  dataset: Sha256,
  code: Sha256,
  artifact: Sha256,
  trainingKey: Sha256,
  configuration: Sha256,
  evaluation: Sha256,
});
export type ReleaseBody = z.infer<typeof ReleaseBody>;

export const Release = z.object({
  id: Id,
  modelId: Id,
  number: z.number().int(),
  digest: Sha256,
  body: ReleaseBody,
  modelVersionId: Id,
  evaluationId: Id,
  configurationId: Id,
  datasetVersionId: Id,
  codeVersionId: Id,
  recordedAt: Instant,
  recordedBy: Id,
});
export type Release = z.infer<typeof Release>;
