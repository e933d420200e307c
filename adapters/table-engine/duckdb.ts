import type { TableEngine } from '../../ports/table-engine.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { storedColumns } from './columns/stored-column-file.ts';
import { TableProcesses } from './process/table-processes.ts';

export interface DuckDbTableEngineSettings {
  readonly sandbox: Sandbox;
  /** Memory of one call's process, in bytes. Default: 6 GiB. */
  readonly memoryBytes?: number;
  /**
   * Memory limit of one call's database, e.g. `2GiB`. Default: a twelfth, a sixth or a third of `memoryBytes`,
   * depending on the number of columns.
   */
  readonly memoryLimit?: string;
  /** Disk space that one call may use, in bytes. Default: 256 GiB. */
  readonly diskBytes?: number;
  /** Time limit of one call, in milliseconds. Default: ten minutes. */
  readonly timeLimitMs?: number;
  /** Maximum number of concurrent calls; further calls wait. Default: 4. */
  readonly concurrency?: number;
  /** Number of processes that wait for the next calls while calls come. Default: 1. */
  readonly spares?: number;
  /** Milliseconds after which missing ones are started. Default: 0. */
  readonly refillAfterMs?: number;
  /** Whether the first processes start now and not with the first call. Default: false. */
  readonly ahead?: boolean;
  /**
   * Folder for the files of each call, and for compiled code if this process has no compile cache. Created if absent.
   */
  readonly scratchFolder: string;
}

export type ClosableTableEngine = TableEngine & {
  /** Stops all processes of the engine, including those that are serving a call. */
  close(): Promise<void>;
};

/**
 * Creates the table engine on DuckDB. Each call runs in its own sandboxed process, which can access only the files of
 * its request.
 */
export function createDuckDbTableEngine(settings: DuckDbTableEngineSettings): ClosableTableEngine {
  const { memoryBytes = 6 * 2 ** 30 } = settings;
  const limit = (share: number) => settings.memoryLimit ?? `${mebibytes(memoryBytes / share)}MiB`;
  const processes = new TableProcesses({
    sandbox: settings.sandbox,
    memoryBytes,
    memoryLimits: { narrow: limit(12), usual: limit(6), wide: limit(3) },
    heapMebibytes: mebibytes(memoryBytes / 6),
    diskBytes: settings.diskBytes ?? 256 * 2 ** 30,
    timeLimitMs: settings.timeLimitMs ?? 600_000,
    concurrency: settings.concurrency ?? 4,
    spares: settings.spares ?? 1,
    refillAfterMs: settings.refillAfterMs ?? 0,
    scratchFolder: settings.scratchFolder,
  });
  if (settings.ahead === true) processes.prepare();
  return {
    prepareBatch: (request) => processes.call('prepareBatch', request),
    profile: (parts, columns) => processes.call('profile', { parts, columns }),
    compare: (request) => processes.call('compare', request, request.timeLimitMs),
    splitWindow: (request) => processes.call('splitWindow', request),
    storeColumns: async (request) => storedColumns(request.path, await processes.call('storeColumns', request)),
    exportRows: async (request) => void (await processes.call('exportRows', request)),
    sealSegment: (request) => processes.call('sealSegment', request),
    readServed: async (request) => {
      const { file, ...counted } = await processes.call('readServed', request);
      return { ...counted, stored: storedColumns(request.path, file) };
    },
    keepAnswers: async (request) => void (await processes.call('keepAnswers', request)),
    summariseSegments: (request) => processes.call('summariseSegments', request),
    close: () => processes.close(),
  };
}

function mebibytes(bytes: number): number {
  return Math.max(1, Math.floor(bytes / 2 ** 20));
}
