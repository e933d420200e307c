import type { JsonValue } from '../contracts/canonical.ts';
import type { LogLine } from '../contracts/run.ts';
import type { Sha256 } from '../contracts/identifiers.ts';

export interface TrainingEnvironment {
  /** First on the PATH of the training process; null: the interpreter as it is. */
  readonly binFolder: string | null;
  /** The `node_modules` of a lock of npm, which scripts find beside their own folder; null: there is none. */
  readonly modulesFolder: string | null;
  /** e.g. `CPython 3.11.7`; part of the training key. */
  readonly interpreter: string;
  /** e.g. `linux-x86_64`; part of the training key. */
  readonly platform: string;
}

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
  /** Makes the environment of a lock once and keeps it under the lock's digest; `environment-failed`. `lockPath` null: as it is. */
  materialise(
    lockPath: string | null,
    lock: Sha256 | null,
    onLog: ScriptJob['onLog'],
    signal: AbortSignal,
  ): Promise<TrainingEnvironment>;
  /**
   * The text of a lock with a version and hashes for every package that the file asks for, here and now; null if it has
   * them already. `environment-failed`
   */
  resolveLock(lockPath: string, onLog: ScriptJob['onLog'], signal: AbortSignal): Promise<string | null>;
  /** `training-failed` (fields exitCode, lastLines), `training-timeout`, `training-limit`, `artifact-missing`, `cancelled`. No process of the group outlives the call, or its caller. */
  train(job: TrainingJob): Promise<TrainingResult>;
  /** Runs a script whose exit code is the answer. `cancelled` */
  check(job: CheckJob): Promise<CheckResult>;
}
