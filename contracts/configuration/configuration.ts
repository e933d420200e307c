import { z } from 'zod';
import { Name } from '../identifiers.ts';
import { Task } from '../models/metrics.ts';
import { BuildSection } from './build-section.ts';
import { CodeSection } from './code-section.ts';
import { DataSection } from './data-section.ts';
import { DeploySection } from './deploy-section.ts';
import { MonitorSection } from './monitor-section.ts';
import { RetentionSection } from './retention-section.ts';
import { RetrainSection } from './retrain-section.ts';
import { ServeSection } from './serve-section.ts';

// Every key that the schema accepts has an effect. Each section has its own file.

/**
 * `perennial.yaml` with all defaults filled in. The digest of its canonical JSON is the identity of a
 * ConfigurationVersion.
 */
export const Configuration = z.strictObject({
  schemaVersion: z.literal(1).describe('Of this format'),
  name: Name.describe('Of the model, unique in its project'),
  task: Task.describe('What kind of answer the model gives: a number, one of two classes, or one of several'),
  owner: z.string().min(1).max(200).describe('The team or person to ask'),
  data: DataSection.describe('What the model learns from'),
  code: CodeSection.describe('The training program'),
  build: BuildSection.describe('How a version is trained, measured and judged'),
  deploy: DeploySection.prefault({}).describe('How a version comes to serve'),
  serve: ServeSection.prefault({}).describe('How it serves'),
  monitor: MonitorSection.prefault({}).describe('How what was served is watched'),
  retrain: RetrainSection.prefault({}).describe('When the loop moves by itself'),
  retention: RetentionSection.prefault({}).describe('How long things are kept'),
});
export type Configuration = z.infer<typeof Configuration>;
export type ConfigurationInput = z.input<typeof Configuration>;
