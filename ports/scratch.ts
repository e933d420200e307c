/** A folder of working files whose process has ended without removing it. */
export interface StaleFolder {
  readonly name: string;
  /** Why it is taken for stale. */
  readonly why: string;
}

/** Working folders of the processes that share this machine's PERENNIAL_HOME. */
export interface Scratch {
  /** Looks at no folder of a process that may be alive, and at none of another machine. */
  stale(): Promise<readonly StaleFolder[]>;
  /** Removes it if it is stale still. */
  remove(name: string): Promise<void>;
}
