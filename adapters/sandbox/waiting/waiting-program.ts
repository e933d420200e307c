/** A program of the platform whose processes are started ahead and then wait for one call each. */
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
    /** Disk for the results of one call and for what it puts aside. */
    readonly diskBytes: number;
    readonly files: number;
    /** Longest duration of one call. A process also ends when it has waited and worked longer than this allows. */
    readonly timeMs: number;
  };
}
