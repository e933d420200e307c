import type { LogLine } from '../contracts/runs/run.ts';
import type { Sha256 } from '../contracts/identifiers.ts';

/** What training commands run in. Nothing of it is started outside the sandbox: packages may have put code into it. */
export interface TrainingEnvironment {
  /** First on the PATH of the training process; null: the interpreter as it is. */
  readonly binFolder: string | null;
  /** The `node_modules` of a lock of npm, which scripts find beside their own folder; null: there is none. */
  readonly modulesFolder: string | null;
  /** Folders and files outside the system's that its programs need to be readable. */
  readonly folders: readonly string[];
  /** e.g. `CPython 3.11.7`; part of the training key. */
  readonly interpreter: string;
  /** e.g. `linux-x86_64`; part of the training key. */
  readonly platform: string;
}

export interface EnvironmentCall {
  /** Whether packages that have no wheel are built, which runs code of theirs. */
  readonly allowBuilds: boolean;
  readonly onLog: (line: Pick<LogLine, 'stream' | 'line'>) => void;
  /** Aborting stops what is being made within 5 s. */
  readonly signal: AbortSignal;
}

export interface Environments {
  /**
   * Makes the environment of a lock once and keeps it under the lock's digest. `lockPath` null: the interpreter as it is.
   * `environment-failed`, `blob-corrupt`, `cancelled`
   */
  materialise(lockPath: string | null, lock: Sha256 | null, call: EnvironmentCall): Promise<TrainingEnvironment>;
  /**
   * The text of a lock with a version and a hash for every package that the file asks for, here and now; null if it has
   * them already. `environment-failed`, `cancelled`
   */
  resolveLock(lockPath: string, call: EnvironmentCall): Promise<string | null>;
}
