/** Work that is done again and again until it is stopped; never twice at once. */
export interface Repeated {
  /** Does it as soon as it is not under way; resolves when that is done. */
  now(): Promise<void>;
  /** Waits for what is under way. */
  stop(): Promise<void>;
}

/**
 * Once begun by `now`, does `work` again so many milliseconds after its end as it answers. `work` deals with its own failures.
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
    // Asked while it is under way: what was asked for may have come after it had looked, so it is done once more.
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
