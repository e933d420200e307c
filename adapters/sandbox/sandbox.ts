import type { Readable, Writable } from 'node:stream';
import type { Isolation } from '../../contracts/runs/isolation.ts';

/** A file or folder of the machine that a command may see. */
export interface Mount {
  readonly source: string;
  /**
   * Path in the sandbox. Default: the path of `source`. Without bubblewrap, the command sees `source` at its own path.
   */
  readonly target?: string;
  /** Whether the command may write to it. Default: false. */
  readonly writable?: boolean;
  /** Whether the mount is skipped if `source` is missing. Default: false, and the command does not start. */
  readonly optional?: boolean;
}

export type Network =
  | { readonly kind: 'none' }
  /** Only 127.0.0.1:port of this machine, where a proxy of the platform listens. */
  | { readonly kind: 'loopback'; readonly port: number }
  /** Public addresses, and other addresses that the administrator allows. */
  | { readonly kind: 'public' };

export interface Limits {
  readonly timeoutMs: number;
  /**
   * Most bytes of memory of all its processes together, shared memory included, as far as this machine can enforce it.
   */
  readonly memoryBytes: number;
  readonly processes: number;
  /** Most bytes that the command may write below its writable mounts. */
  readonly diskBytes: number;
  /** Most files and folders below its writable mounts. */
  readonly files: number;
}

export interface SandboxedCommand {
  /** Name for messages, such as `pip install` or `training`. */
  readonly title: string;
  /** A path, or a name that is looked up on `env.PATH` in the sandbox. */
  readonly file: string;
  readonly args: readonly string[];
  /** Working folder, as the command sees it. */
  readonly cwd: string;
  /** The command's whole environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Later mounts cover earlier ones. The system's programs and libraries are always readable. */
  readonly mounts: readonly Mount[];
  readonly network: Network;
  readonly limits: Limits;
  readonly signal: AbortSignal;
}

/** A limit that was exceeded. */
export interface Breach {
  readonly what: 'memory' | 'processes' | 'disk' | 'files';
  readonly found: number;
  readonly limit: number;
}

export type Ending =
  | { readonly kind: 'exited'; readonly exitCode: number; readonly signal: NodeJS.Signals | null }
  | { readonly kind: 'not-started'; readonly reason: string }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'over-limit'; readonly breach: Breach }
  | { readonly kind: 'aborted' };

export type OnOutput = (stream: 'stdout' | 'stderr', chunk: Buffer) => void;

/** A running process, with pipes to its standard streams. */
export interface SandboxedProcess {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Settles when all of its processes have ended. */
  readonly ended: Promise<Ending>;
  /** Kills all of its processes. */
  stop(): void;
  /** Sets whether the running process keeps the calling process from ending. */
  hold(held: boolean): void;
}

/** The only way to start a process for something that a user wrote. */
export interface Sandbox {
  /** Runs a command to its end. None of its processes outlives the call or the caller. Throws `sandbox-unavailable`. */
  run(command: SandboxedCommand, onOutput: OnOutput): Promise<Ending>;
  /** Starts a command that the caller exchanges data with over pipes. Throws `sandbox-unavailable`. */
  open(command: SandboxedCommand): Promise<SandboxedProcess>;
  isolation(): Promise<Isolation>;
}
