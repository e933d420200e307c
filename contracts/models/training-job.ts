import { z } from 'zod';
import { CodeManifest } from '../code/code-version.ts';
import { Sha256 } from '../identifiers.ts';

// What goes through the trainer port: plain JSON that names all bytes by digest, because a trainer may run in another
// process or on another machine that shares nothing with the worker but the object store.

/** The code's archive, and the lock that its environment is made of. */
export const JobCode = CodeManifest.pick({ archive: true, environment: true, allowBuilds: true });
export type JobCode = z.infer<typeof JobCode>;

export const EnvironmentJob = z.object({ schemaVersion: z.literal(1), code: JobCode });
export type EnvironmentJob = z.infer<typeof EnvironmentJob>;

/** What the trainer runs scripts with; both are part of the training key. */
export const JobEnvironment = z.object({
  /** For example `CPython 3.11.7`. */
  interpreter: z.string(),
  /** For example `linux-x86_64`. */
  platform: z.string(),
});
export type JobEnvironment = z.infer<typeof JobEnvironment>;

const JobLimits = z.object({
  timeoutMs: z.number().positive(),
  /** Of all processes together; null: the trainer's default. */
  memoryBytes: z.number().int().positive().nullable(),
  /** At once. */
  processes: z.number().int().positive(),
  /** Of output and temporary folder together. */
  diskBytes: z.number().int().positive(),
  /** Files and folders in the output and temporary folders. */
  files: z.number().int().positive(),
});
export type JobLimits = z.infer<typeof JobLimits>;

/** A program of the code. It runs apart, reads the files that it is given and writes to its output folder alone. */
export const ScriptJob = EnvironmentJob.extend({
  /** `notebook FILE` runs a notebook with `params` in place of its cell tagged `parameters`; its executed copy is an output file. */
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
 * `rows` are Parquet files. They are named by the digests of the split, not by parts and window: the training key holds
 * the digest of the very bytes that are trained on, and a trainer needs no table engine to make them.
 */
export const TrainingJob = ScriptJob.extend({
  rows: z.object({
    train: Sha256,
    /** The holdout's features alone; null: the script did not ask for it. */
    validation: Sha256.nullable(),
  }),
});
export type TrainingJob = z.infer<typeof TrainingJob>;

/** A file that the script finds by an environment variable, under this name. */
export const JobFile = z.object({
  variable: z.string().regex(/^PERENNIAL_[A-Z_]+$/),
  name: z.string().regex(/^[a-z0-9][a-z0-9.-]{0,99}$/),
  sha256: Sha256,
});
export type JobFile = z.infer<typeof JobFile>;

/** A script whose exit code is the answer. */
export const CheckJob = ScriptJob.extend({ files: z.array(JobFile) });
export type CheckJob = z.infer<typeof CheckJob>;

/** A file that the script wrote, by its path within the output folder. */
const StoredFile = z.object({ path: z.string(), sha256: Sha256, bytes: z.number().int() });

export const TrainingResult = z.object({
  /** The path tells the format. */
  artifact: StoredFile,
  /** The script's own numbers. */
  metrics: z.record(z.string(), z.number()),
  files: z.array(StoredFile),
});
export type TrainingResult = z.infer<typeof TrainingResult>;

export const CheckResult = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('exited'), exitCode: z.number().int(), lastLines: z.array(z.string()) }),
  /** The reason why there is no exit code, such as the time limit, in a sentence for people. */
  z.object({ kind: z.literal('stopped'), reason: z.string() }),
]);
export type CheckResult = z.infer<typeof CheckResult>;
