import type { Readable, Writable } from 'node:stream';
import type { Isolation } from '../../contracts/runs/isolation.ts';

/** A file or folder of the machine that a command may see. */
export interface Mount {
  readonly source: string;
  /** The path inside; default: the same path. Without bubblewrap a command sees `source` under its own path. */
  readonly target?: string;
  /** Default: false. */
  readonly writable?: boolean;
  /** Whether it is left out where `source` is missing. Default: false, and the command does not start. */
  readonly optional?: boolean;
}

export type Network =
  | { readonly kind: 'none' }
  /** 127.0.0.1:port of this machine, for a proxy of the platform's own, and nothing else. */
  | { readonly kind: 'loopback'; readonly port: number }
  /** Public addresses, and those that the administrator allows. */
  | { readonly kind: 'public' };

export interface Limits {
  readonly timeoutMs: number;
  /** Of all its processes together, shared memory included, as well as this machine can bound it. */
  readonly memoryBytes: number;
  readonly processes: number;
  /** Of everything that it writes below its writable mounts. */
  readonly diskBytes: number;
  /** Files and folders below its writable mounts. */
  readonly files: number;
}

export interface SandboxedCommand {
  /** For messages: `pip install`, `training`. */
  readonly title: string;
  /** A path, or a name that `env.PATH` finds inside. */
  readonly file: string;
  readonly args: readonly string[];
  /** As the command sees it. */
  readonly cwd: string;
  /** All that the command sees of any environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Later ones lie over earlier ones. The system's programs and libraries are readable without being named. */
  readonly mounts: readonly Mount[];
  readonly network: Network;
  readonly limits: Limits;
  readonly signal: AbortSignal;
}

/** A limit that was passed. */
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

/** A process that is talked to by pipes. */
export interface SandboxedProcess {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Settles when none of its processes is left. */
  readonly ended: Promise<Ending>;
  /** Kills all of its processes. */
  stop(): void;
  /** Whether it keeps this process from ending. */
  hold(held: boolean): void;
}

/** The only way to start a process for something that a user wrote. */
export interface Sandbox {
  /** Runs a command to its end; none of its processes outlives the call, or its caller. `sandbox-unavailable` */
  run(command: SandboxedCommand, onOutput: OnOutput): Promise<Ending>;
  /** `sandbox-unavailable` */
  open(command: SandboxedCommand): Promise<SandboxedProcess>;
  isolation(): Promise<Isolation>;
}
