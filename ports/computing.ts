/** Does work on many rows in separate processes, so that the worker keeps sending heartbeats meanwhile. */
export interface Computing {
  /**
   * Called within an activity: does its work, or a part of it, by name (activities/computations.ts). Aborting the
   * signal ends the work at any point. Throws what the work throws, `limit-reached` if it takes too much memory, and
   * `process-died`.
   */
  run<Result>(name: string, input: unknown, signal: AbortSignal): Promise<Result>;
  /** Starts a process ahead of time, because work will follow soon. */
  prepare(): void;
}
