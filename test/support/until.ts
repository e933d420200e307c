import { setTimeout as pause } from 'node:timers/promises';

const longestPauseMs = 200;

/**
 * Waits until `look` returns a value other than false or undefined, and returns that value. Throws an error that names
 * `what` after `withinMs`.
 */
export async function until<Value>(
  what: string,
  look: () => Value | undefined | false | Promise<Value | undefined | false>,
  withinMs = 90_000,
): Promise<Value> {
  for (const begun = Date.now(); ;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    const waitedMs = Date.now() - begun;
    if (waitedMs > withinMs) throw new Error(`waited ${withinMs / 1000} s in vain: ${what}`);
    await pause(Math.min(longestPauseMs, 20 + waitedMs / 10));
  }
}
