/** Work that repeats until it is stopped and never overlaps with itself. */
export interface Repeated {
  /** Runs the work now, or once more after the current run. Resolves when that run has ended. */
  now(): Promise<void>;
  /** Stops the repetition and waits for the current run. */
  stop(): Promise<void>;
}

/**
 * Creates repeated work. The first run starts when `now` is called. `work` returns the pause in milliseconds before its
 * next run, and handles its own failures.
 */
export function repeat(work: () => Promise<number>): Repeated {
  let timer: NodeJS.Timeout | undefined;
  let underWay: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  let stopped = false;

  const run = async (): Promise<void> => {
    clearTimeout(timer);
    const pauseMs = await work();
    if (!stopped) timer = setTimeout(() => void now(), pauseMs);
  };
  const now = (): Promise<void> => {
    if (stopped) return Promise.resolve();
    // Called during a run: the reason for the call may have arrived after that run read its data, so one more run
    // follows.
    if (underWay) return (next ??= underWay.then(() => ((next = undefined), now())));
    underWay = run().finally(() => (underWay = undefined));
    return underWay;
  };
  return {
    now,
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await underWay;
    },
  };
}
