import type { LogLine } from '../contracts/runs/run.ts';
import type { Sha256 } from '../contracts/identifiers.ts';

/**
 * Environment in which training commands run. Start its programs only in the sandbox, because packages may have added
 * code to it.
 */
export interface TrainingEnvironment {
  /** Folder placed first on the PATH of the training process; null: the interpreter is used as installed. */
  readonly binFolder: string | null;
  /**
   * The `node_modules` folder made from an npm lock, which scripts find next to their own folder; null: there is none.
   */
  readonly modulesFolder: string | null;
  /** Folders and files, outside those of the operating system, that the environment's programs must be able to read. */
  readonly folders: readonly string[];
  /** For example `CPython 3.11.7`. Part of the training key. */
  readonly interpreter: string;
  /** For example `linux-x86_64`. Part of the training key. */
  readonly platform: string;
}

export interface EnvironmentCall {
  /** Whether packages without a wheel may be built. A build runs code of the package. */
  readonly allowBuilds: boolean;
  readonly onLog: (line: Pick<LogLine, 'stream' | 'line'>) => void;
  /** Aborting stops the installation within 5 s. */
  readonly signal: AbortSignal;
}

export interface Environments {
  /**
   * Creates the environment of a lock once and keeps it under the lock's digest. With a null `lockPath`, returns the
   * interpreter as installed. Errors: `environment-failed`, `blob-corrupt`, `cancelled`.
   */
  materialise(lockPath: string | null, lock: Sha256 | null, call: EnvironmentCall): Promise<TrainingEnvironment>;
  /**
   * Resolves the requirements in the file for this machine and returns a lock text with a version and hashes for every
   * package, or null if the file already pins everything. Errors: `environment-failed`, `cancelled`.
   */
  resolveLock(lockPath: string, call: EnvironmentCall): Promise<string | null>;
}
