import { condition, defineSignal, setHandler } from '@temporalio/workflow';
import { nudgeSignal } from '../../contracts/runs/workflows.ts';

/** Waits for a nudge or the timeout. Returns at once if a nudge came after the previous wait ended. */
export type Nudged = (timeoutMs: number) => Promise<void>;

/**
 * Installs the handler for nudges. Call it once, before anything is awaited. With `goesOn`, an execution that continues
 * another one starts with one nudge counted, because a nudge that arrived while the other one ended would otherwise be
 * lost.
 */
export function takeNudges({ goesOn }: { readonly goesOn: boolean }): Nudged {
  let nudges = goesOn ? 1 : 0;
  let heeded = 0;
  setHandler(defineSignal(nudgeSignal), () => {
    nudges += 1;
  });
  return async (timeoutMs) => {
    await condition(() => nudges > heeded, timeoutMs);
    heeded = nudges;
  };
}

/** Returns a function that gives the next waiting time: `firstMs` at first, then doubling up to `longestMs`. */
export function backOff({
  firstMs,
  longestMs,
}: {
  readonly firstMs: number;
  readonly longestMs: number;
}): () => number {
  let nextMs = firstMs;
  return () => {
    const waitMs = nextMs;
    nextMs = Math.min(2 * nextMs, longestMs);
    return waitMs;
  };
}
