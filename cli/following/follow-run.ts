import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { isErrorCode, PerennialError } from '../../contracts/errors.ts';
import type { Id } from '../../contracts/identifiers.ts';
import { isFinal, LogLine, Run } from '../../contracts/runs/run.ts';
import type { ApiClient } from '../api-client.ts';
import type { CliContext } from '../cli-context.ts';
import { whileWaitingFor } from './interruption.ts';
import { outcomeOf, progressOf, stepOf } from '../views/run-view.ts';
import { visible } from '../views/visible-text.ts';

const pollMs = 300;
const quietMs = 2_000;
const patienceMs = 60_000;
const LogPage = z.object({ items: z.array(LogLine) });

export interface FollowOptions {
  /** Also shows the run's log. */
  readonly logs: boolean;
  /** Called with each state of the run that is read. Returns true to stop following although the run is not over. */
  readonly farEnough?: (run: Run) => Promise<boolean>;
}

/**
 * Follows a run until it is over: shows its steps as one updating line and its logs as lines. Returns the finished run.
 */
export function followRun(context: CliContext, api: ApiClient, run: Run, options: FollowOptions): Promise<Run> {
  return whileWaitingFor({ id: run.id, kind: run.request.kind }, async (signal) => {
    const told = new Progress(context);
    let seen = 0;
    for (;;) {
      const now = await patiently(context, () => api.get(`/v1/runs/${run.id}`, Run), signal);
      if (options.logs) seen = await patiently(context, () => printLogs(context, api, run.id, seen), signal);
      const enough = await patiently(context, async () => options.farEnough?.(now), signal);
      if (enough === true || isFinal(now.state)) {
        context.output.done();
        return now;
      }
      told.tell(now);
      await pause(pollMs, undefined, { signal });
    }
  });
}

/**
 * Shows the current step: on a terminal as one updating line, otherwise as a line whenever the step changes, once it
 * has taken two seconds.
 */
class Progress {
  readonly #context: CliContext;
  readonly #begun = Date.now();
  #told = '';

  constructor(context: CliContext) {
    this.#context = context;
  }

  tell(run: Run): void {
    const { output } = this.#context;
    const ms = Date.now() - this.#begun;
    const step = `${run.request.kind}: ${stepOf(run)}`;
    output.progress(`${step} ${progressOf(run)} (${Math.round(ms / 1000)} s)`.replace('  ', ' '));
    if (output.interactive || ms < quietMs || step === this.#told) return;
    this.#told = step;
    output.note(`${step} (${Math.round(ms / 1000)} s)`);
  }
}

async function printLogs(context: CliContext, api: ApiClient, runId: Id, after: number): Promise<number> {
  const { items } = await api.get(`/v1/runs/${runId}/logs`, LogPage, { after });
  for (const { stream, line } of items) context.output.note(`${context.output.colours.dim(stream)} ${visible(line)}`);
  return items.at(-1)?.sequence ?? after;
}

/**
 * Retries a read for up to a minute while the API or the database is unavailable. A run survives their restarts, so
 * following it must too.
 */
export async function patiently<Result>(
  context: CliContext,
  read: () => Promise<Result>,
  signal: AbortSignal,
): Promise<Result> {
  for (const giveUpAt = Date.now() + patienceMs; ;) {
    try {
      return await read();
    } catch (caught) {
      const away = caught instanceof PerennialError && caught.code.endsWith('-unavailable');
      if (!away || Date.now() > giveUpAt) throw caught;
      context.output.progress(`${caught.message}; trying again`);
      await pause(1_000, undefined, { signal });
    }
  }
}

/** Throws the run's own failure, so that the verb ends with it. */
export function mustHaveSucceeded(run: Run): Run & { state: 'succeeded' } {
  if (run.state === 'succeeded') return run;
  if (run.state === 'failed')
    throw new PerennialError(
      isErrorCode(run.failure.code) ? run.failure.code : 'internal',
      `the ${run.request.kind} run ${run.id} failed (${run.failure.code}): ${run.failure.message}`,
      { runId: run.id },
    );
  throw new PerennialError('cancelled', `the ${run.request.kind} run ${run.id} is ${outcomeOf(run)}`, {
    runId: run.id,
  });
}

/**
 * Throws the run's failure, and also an outcome that is not a success: a version that its gates rejected, or a release
 * that was not promoted.
 *
 * @param deployed what was to be deployed, for example `version 3`.
 */
export function mustHaveAchieved(run: Run, deployed = 'the release'): Run & { state: 'succeeded' } {
  const ended = mustHaveSucceeded(run);
  const { outcome } = ended;
  if (outcome.kind === 'deploy' && outcome.decision !== 'promoted')
    throw new PerennialError('conflict', `${deployed} was not promoted: ${outcomeOf(run)}`, { runId: run.id });
  if (outcome.kind === 'build' && outcome.decision === 'rejected')
    throw new PerennialError('not-a-candidate', `the gates rejected the new version: ${outcomeOf(run)}`, {
      runId: run.id,
    });
  return ended;
}
