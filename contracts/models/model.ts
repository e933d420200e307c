import { z } from 'zod';
import { Configuration } from '../configuration/configuration.ts';
import { Id, Instant, Name, Sha256 } from '../identifiers.ts';
import { Task } from './metrics.ts';

export const Model = z.object({
  id: Id,
  project: Name,
  name: Name,
  task: Task,
  owner: z.string(),
  archivedAt: Instant.nullable(),
  recordedAt: Instant,
  recordedBy: Id,
});
export type Model = z.infer<typeof Model>;

export const ConfigurationVersion = z.object({
  id: Id,
  modelId: Id,
  number: z.number().int(),
  digest: Sha256,
  configuration: Configuration,
  recordedAt: Instant,
  recordedBy: Id,
});
export type ConfigurationVersion = z.infer<typeof ConfigurationVersion>;

/** The heads and switches of one model in one environment. Every change of the environment locks this row. */
export const ModelEnvironment = z.object({
  modelId: Id,
  environment: Name,
  configurationId: Id.nullable(),
  datasetVersionId: Id.nullable(),
  codeVersionId: Id.nullable(),
  /** The number of the newest generation; 0 if there is none yet. */
  generation: z.number().int(),
  /** Why automatic promotion is on hold; null when it is not. */
  holdReason: z.string().nullable(),
  /** The deploy run that holds the rollout, if there is one. */
  rolloutRunId: Id.nullable(),
  lastBuildAt: Instant.nullable(),
  lastMonitorAt: Instant.nullable(),
});
export type ModelEnvironment = z.infer<typeof ModelEnvironment>;
