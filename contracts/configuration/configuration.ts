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
  schemaVersion: z.literal(1).describe('Version of the file format'),
  name: Name.describe('Name of the model, unique in its project'),
  task: Task.describe('What the model predicts: a number, one of two classes, or one of several classes'),
  owner: z.string().min(1).max(200).describe('The team or person to contact about the model'),
  data: DataSection.describe('The data that the model is trained on'),
  code: CodeSection.describe('The training program'),
  build: BuildSection.describe('How a version is trained, measured and judged'),
  deploy: DeploySection.prefault({}).describe('How a version is approved and rolled out'),
  serve: ServeSection.prefault({}).describe('How requests are logged, and when they are refused'),
  monitor: MonitorSection.prefault({}).describe('How the served predictions are monitored'),
  retrain: RetrainSection.prefault({}).describe('When builds start automatically'),
  retention: RetentionSection.prefault({}).describe('How long predictions and rejected versions are kept'),
});
export type Configuration = z.infer<typeof Configuration>;
export type ConfigurationInput = z.input<typeof Configuration>;
