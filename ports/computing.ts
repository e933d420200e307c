/** Runs work on many rows in separate processes, so that the worker can keep sending heartbeats. */
export interface Computing {
  /**
   * Runs a named computation (activities/computations.ts) for the calling activity. Aborting the signal stops the
   * computation at any point. Throws the computation's own errors, `limit-reached` if it takes too much memory, and
   * `process-died`.
   */
  run<Result>(name: string, input: unknown, signal: AbortSignal): Promise<Result>;
  /** Starts a process in advance because work is about to follow. */
  prepare(): void;
}
