/** A folder of working files left behind by a process that has ended. */
export interface StaleFolder {
  readonly name: string;
  /** Why the folder is considered stale. */
  readonly why: string;
}

/** The working folders of all processes that share this machine's PERENNIAL_HOME. */
export interface Scratch {
  /** Lists stale folders. Skips folders of processes that may be alive and folders of other machines. */
  stale(): Promise<readonly StaleFolder[]>;
  /** Removes the folder if it is still stale. */
  remove(name: string): Promise<void>;
}
