/** The disk that this process writes to. */
export interface DiskSpace {
  /**
   * Returns one sentence that describes the problem and names the folder, or `undefined` while there is enough space.
   */
  complaint(): Promise<string | undefined>;
}
