import { condition, defineSignal, setHandler } from '@temporalio/workflow';
import { nudgeSignal } from '../contracts/workflows.ts';

/** Waits until somebody nudges the workflow or the time has passed. A nudge since the last wait ended ends this one at once. */
export type Nudged = (timeoutMs: number) => Promise<void>;

/**
 * Takes the workflow's nudges. Call it once, before anything is awaited. An execution that goes on from another counts one
 * from the start: a nudge that came while the other ended would be lost.
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

/** Waits that double from `firstMs` until they are `longestMs` long. */
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
