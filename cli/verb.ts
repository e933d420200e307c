import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { z } from 'zod';
import { Run } from '../contracts/runs/run.ts';
import type { ApiClient } from './api-client.ts';
import type { CliContext } from './cli-context.ts';
import { followRun, mustHaveSucceeded } from './following/follow-run.ts';

/** Registers verbs on the program. Handlers get the context that is built from the global options. */
export interface VerbRegistry {
  readonly program: Command;
  /** Wraps a handler: builds the context, and turns errors into a sentence and an exit code. */
  act<Arguments extends unknown[]>(
    handler: (context: CliContext, ...args: Arguments) => Promise<void>,
  ): (...args: Arguments) => Promise<void>;
}

const Started = z.object({ run: Run });

/** Starts a run by POST. An idempotency key ensures that a request that is sent again does not start a second run. */
export async function startRun(api: ApiClient, path: string, body: unknown, environment: string): Promise<Run> {
  const { run } = await api.send('POST', path, Started, body, { environment }, { 'idempotency-key': randomUUID() });
  return run;
}

/** Starts a run and follows it to its end. If the run fails, throws its failure. */
export async function startAndFollow(
  context: CliContext,
  api: ApiClient,
  path: string,
  body: unknown,
  options: { readonly logs?: boolean; readonly environment?: string } = {},
): Promise<Run & { state: 'succeeded' }> {
  const run = await startRun(api, path, body, options.environment ?? context.options.environment);
  return mustHaveSucceeded(await followRun(context, api, run, { logs: options.logs ?? false }));
}

export const detachOption = ['--detach', 'start the run and do not wait for its end'] as const;

/** Prints the run that a verb with `--detach` started, and how to follow it. */
export function tellDetached({ output }: CliContext, run: Run): void {
  output.note(`the ${run.request.kind} run ${run.id} has started; follow it with perennial runs watch ${run.id}`);
  output.data(run, () => run.id);
}

/**
 * Formats a number. Numbers below 1, such as shares and scores, get at least four decimal places, because they often
 * differ only in the last ones.
 */
export function decimals(value: number | null | undefined, places = 2): string {
  if (value === null || value === undefined) return '–';
  return value.toFixed(placesOf(value, places));
}

function placesOf(value: number, places: number): number {
  return value !== 0 && Math.abs(value) < 1 ? Math.max(places, 4) : places;
}

/** Formats a count with its noun, for example `1 part` or `2 parts`. */
export function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

export function intervalText(interval: { low: number; high: number; confidence: number } | null, places = 2): string {
  if (interval === null) return '';
  const { low, high } = interval;
  return ` [${decimals(low, places)}, ${decimals(high, places)}] at ${interval.confidence * 100} %`;
}
