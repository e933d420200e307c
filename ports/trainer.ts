import type { JsonValue } from '../contracts/canonical.ts';
import type { LogLine } from '../contracts/run.ts';
import type { Sha256 } from '../contracts/identifiers.ts';

export interface TrainingEnvironment {
  /** First on the PATH of the training process; null: the interpreter as it is. */
  readonly binFolder: string | null;
  /** e.g. `CPython 3.11.7`; part of the training key. */
  readonly interpreter: string;
  /** e.g. `linux-x86_64`; part of the training key. */
  readonly platform: string;
}

export interface TrainingJob {
  /** Holds the unpacked code; the process sees it read-only. */
  readonly codeFolder: string;
  readonly command: readonly string[];
  readonly environment: TrainingEnvironment;
  readonly trainPath: string;
  readonly validationPath: string | null;
  readonly params: Readonly<Record<string, JsonValue>>;
  readonly seed: number;
  readonly features: readonly string[];
  readonly target: string;
  readonly network: boolean;
  readonly timeoutMs: number;
  readonly memoryBytes: number | null;
  /** Belongs to this attempt alone; `output/` and `tmp/` are made in it. */
  readonly attemptFolder: string;
  readonly onLog: (line: Pick<LogLine, 'stream' | 'line'>) => void;
  readonly onProgress: (fraction: number, message: string) => void;
  /** Aborting stops the whole process group within 5 s. */
  readonly signal: AbortSignal;
}

export interface TrainingResult {
  readonly modelPath: string;
  readonly metrics: Readonly<Record<string, number>>;
  /** Other files of the output folder: path within it and absolute path. */
  readonly files: readonly { readonly path: string; readonly absolute: string }[];
}

export interface Trainer {
  /** Makes the environment of a lock once and keeps it under the lock's digest; `environment-failed`. `lockPath` null: as it is. */
  materialise(
    lockPath: string | null,
    lock: Sha256 | null,
    onLog: TrainingJob['onLog'],
    signal: AbortSignal,
  ): Promise<TrainingEnvironment>;
  /** `training-failed` (fields exitCode, lastLines), `training-timeout`, `artifact-missing`, `cancelled`. No process of the group outlives the call, or its caller. */
  train(job: TrainingJob): Promise<TrainingResult>;
}
