import { z } from 'zod';
import { CodeManifest } from '../code/code-version.ts';
import { Sha256 } from '../identifiers.ts';

// Messages of the trainer port: plain JSON that identifies all bytes by digest, because a trainer may run in another
// process, or on another machine that shares only the object store with the worker.

/** The archive of the code, and the lock that its environment is built from. */
export const JobCode = CodeManifest.pick({ archive: true, environment: true, allowBuilds: true });
export type JobCode = z.infer<typeof JobCode>;

export const EnvironmentJob = z.object({ schemaVersion: z.literal(1), code: JobCode });
export type EnvironmentJob = z.infer<typeof EnvironmentJob>;

/** The interpreter and platform that the trainer runs scripts with. Both are part of the training key. */
export const JobEnvironment = z.object({
  /** For example `CPython 3.11.7`. */
  interpreter: z.string(),
  /** For example `linux-x86_64`. */
  platform: z.string(),
});
export type JobEnvironment = z.infer<typeof JobEnvironment>;

const JobLimits = z.object({
  timeoutMs: z.number().positive(),
  /** Limit for all processes together; null: the trainer's default. */
  memoryBytes: z.number().int().positive().nullable(),
  /** Limit on the number of simultaneous processes. */
  processes: z.number().int().positive(),
  /** Limit for the output and temporary folders together. */
  diskBytes: z.number().int().positive(),
  /** Limit on the number of files and folders in the output and temporary folders. */
  files: z.number().int().positive(),
});
export type JobLimits = z.infer<typeof JobLimits>;

/**
 * A program of the code version. It runs sandboxed, reads only the files that it is given and writes only to its output
 * and temporary folders.
 */
export const ScriptJob = EnvironmentJob.extend({
  /**
   * `notebook FILE` runs a notebook after appending `params` to its cell tagged `parameters`, so that they override the
   * cell's own values. The executed copy is an output file.
   */
  command: z.array(z.string()).min(1),
  params: z.record(z.string(), z.json()),
  seed: z.number().int(),
  features: z.array(z.string()),
  target: z.string(),
  network: z.boolean(),
  limits: JobLimits,
});
export type ScriptJob = z.infer<typeof ScriptJob>;

/**
 * `rows` are Parquet files with the rows of the split, and not dataset parts with a time window: the training key
 * contains the digests of exactly these bytes, and the trainer needs no table engine to produce them.
 */
export const TrainingJob = ScriptJob.extend({
  rows: z.object({
    train: Sha256,
    /** The features of the holdout, without the target; null if the script did not ask for them. */
    validation: Sha256.nullable(),
  }),
});
export type TrainingJob = z.infer<typeof TrainingJob>;

/** A file for the script. The environment variable `variable` holds its path; `name` is its file name. */
export const JobFile = z.object({
  variable: z.string().regex(/^PERENNIAL_[A-Z_]+$/),
  name: z.string().regex(/^[a-z0-9][a-z0-9.-]{0,99}$/),
  sha256: Sha256,
});
export type JobFile = z.infer<typeof JobFile>;

/** A script whose exit code is its verdict. */
export const CheckJob = ScriptJob.extend({ files: z.array(JobFile) });
export type CheckJob = z.infer<typeof CheckJob>;

/** A file that the script wrote; `path` is relative to the output folder. */
const StoredFile = z.object({ path: z.string(), sha256: Sha256, bytes: z.number().int() });

export const TrainingResult = z.object({
  /** The model file. Its path determines the model format. */
  artifact: StoredFile,
  /** Metrics reported by the script. */
  metrics: z.record(z.string(), z.number()),
  files: z.array(StoredFile),
});
export type TrainingResult = z.infer<typeof TrainingResult>;

export const CheckResult = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('exited'), exitCode: z.number().int(), lastLines: z.array(z.string()) }),
  /**
   * The script has no exit code because it was stopped, for example by its time limit. `reason` is a sentence for
   * people.
   */
  z.object({ kind: z.literal('stopped'), reason: z.string() }),
]);
export type CheckResult = z.infer<typeof CheckResult>;
