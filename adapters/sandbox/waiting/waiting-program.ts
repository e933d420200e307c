/** A program of the platform. Its processes are started before they are needed, and each waits for one call. */
export interface WaitingProgram {
  /** Name for messages, such as `the table engine`. */
  readonly title: string;
  /** Name of its compile cache. */
  readonly name: string;
  /** The main module. It reads its call with `readLines`. */
  readonly main: URL;
  /** Folder of its sources. If they change, the compile cache is filled again. */
  readonly sources: URL;
  /** Arguments for Node. */
  readonly nodeArguments: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly limits: {
    /** Memory of one process, with Node itself and native memory. */
    readonly memoryBytes: number;
    /** Disk for the results of one call and for the data that does not fit in its memory. */
    readonly diskBytes: number;
    readonly files: number;
    /** Longest duration of one call. A process also ends when it has waited and worked longer than this allows. */
    readonly timeMs: number;
  };
}
