import type { JsonValue } from '../contracts/canonical.ts';
import type { LogLine } from '../contracts/runs/run.ts';
import type { TrainingEnvironment } from './environments.ts';

/** A program of the code, run apart; it is given files and may write to its output folder alone. */
export interface ScriptJob {
  /** Holds the unpacked code; the process sees it read-only. */
  readonly codeFolder: string;
  /** `notebook FILE` runs a notebook with `params` in place of its cell tagged `parameters`; its executed copy is an output file. */
  readonly command: readonly string[];
  readonly environment: TrainingEnvironment;
  readonly params: Readonly<Record<string, JsonValue>>;
  readonly seed: number;
  readonly features: readonly string[];
  readonly target: string;
  readonly network: boolean;
  readonly timeoutMs: number;
  /** Of all processes together; null: half of the machine's. */
  readonly memoryBytes: number | null;
  /** At once. */
  readonly processesAtMost: number;
  /** Of output and temporary folder together. */
  readonly diskBytesAtMost: number;
  /** Files and folders in the output and temporary folders. */
  readonly filesAtMost: number;
  /** Belongs to this attempt alone; `output/` and `tmp/` are made in it. */
  readonly attemptFolder: string;
  readonly onLog: (line: Pick<LogLine, 'stream' | 'line'>) => void;
  readonly onProgress: (fraction: number, message: string) => void;
  /** Aborting stops the whole process group within 5 s. */
  readonly signal: AbortSignal;
}

export interface TrainingJob extends ScriptJob {
  readonly trainPath: string;
  readonly validationPath: string | null;
}

export interface CheckJob extends ScriptJob {
  /** Files that the script finds by a variable each. */
  readonly given: readonly { readonly variable: string; readonly path: string }[];
}

export interface TrainingResult {
  readonly modelPath: string;
  readonly metrics: Readonly<Record<string, number>>;
  /** Other files of the output folder: path within it and absolute path. */
  readonly files: readonly { readonly path: string; readonly absolute: string }[];
}

export type CheckResult =
  | { readonly kind: 'exited'; readonly exitCode: number; readonly lastLines: readonly string[] }
  /** In plain words why it gave no exit code, such as its time limit. */
  | { readonly kind: 'stopped'; readonly reason: string };

export interface Trainer {
  /** `training-failed` (fields exitCode, lastLines), `training-timeout`, `training-limit`, `artifact-missing`, `cancelled`. No process of the group outlives the call, or its caller. */
  train(job: TrainingJob): Promise<TrainingResult>;
  /** Runs a script whose exit code is the answer. `cancelled` */
  check(job: CheckJob): Promise<CheckResult>;
}
