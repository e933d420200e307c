import type { OpenedDatabase } from './locked-database.ts';

/** Resources of one call inside its process. */
export interface TableWorkplace {
  /** An existing empty folder, removed after the call. */
  readonly folder: string;
  /**
   * Opens the locked database; at most once per call. `readable` lists files, `writable` lists folders. `timezone` is
   * the zone of naive timestamps; default UTC.
   */
  open(access: {
    readonly readable: readonly string[];
    readonly writable?: readonly string[];
    readonly timezone?: string;
    /** Number of columns of the rows, if known. */
    readonly columns?: number;
    readonly isParallelAtFirst?: boolean;
  }): Promise<OpenedDatabase>;
  /** Lets other processes run first from now on, on a machine that is busy. */
  giveWay(): void;
  /** Makes files of the request appear that its caller creates on demand. Returns when they exist. */
  supply(paths: readonly string[]): Promise<void>;
}
