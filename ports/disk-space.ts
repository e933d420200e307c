/** The disk that this process writes to. */
export interface DiskSpace {
  /** Describes the problem in one sentence that names the folder; undefined while there is room. */
  complaint(): Promise<string | undefined>;
}
