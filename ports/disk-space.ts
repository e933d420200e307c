/** The disk that this process writes to. */
export interface DiskSpace {
  /** What is wrong with it, in one sentence that names the folder; undefined while there is room. */
  complaint(): Promise<string | undefined>;
}
