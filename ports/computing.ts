/** Does work on many rows in processes of its own, so that a worker's heart goes on beating whatever the work is at. */
export interface Computing {
  /**
   * Asked of within an activity: does its work, or a part of it, by name (activities/computations.ts). Aborting the
   * signal ends the work, whatever it is at. Throws what the work throws, `limit-reached` if it takes too much memory, and
   * `process-died`.
   */
  run<Result>(name: string, input: unknown, signal: AbortSignal): Promise<Result>;
  /** Something is going to be asked for soon: starts what it will need. */
  prepare(): void;
}
