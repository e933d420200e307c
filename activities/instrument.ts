import { activityInfo, cancellationSignal, heartbeat } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { PerennialError, reasonOf } from '../contracts/errors.ts';
import type { RunInput } from './activity-types.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { keepAnswer, mustBeProven, proofOf } from './prove.ts';

type Activity = (input: never) => Promise<unknown>;

const heartbeatMs = 1_000;
/** An error that nobody foresaw is tried this often; a foreseen one says itself whether trying again can help. */
const attemptsAtTheUnforeseen = 5;

/**
 * What every activity has in common: who asks for it must have the right to (proofs.ts); it beats, so that a dead worker
 * is noticed; its attempt is told as a step of its run; and its errors reach Temporal with their code, and as final where
 * trying again cannot help.
 */
export function instrument<All extends Record<string, Activity>>(activities: All, deps: ActivityDependencies): All {
  const wrapped = { ...activities };
  for (const [name, activity] of Object.entries(activities))
    Object.assign(wrapped, { [name]: around(name, activity, deps) });
  return wrapped;
}

function around(name: string, activity: Activity, deps: ActivityDependencies): Activity {
  proofOf(name);
  return async (input: never) => {
    await proven(name, input, deps);
    const beat = setInterval(() => heartbeat(), heartbeatMs);
    const step = stepOf(name, input, deps);
    try {
      await step('running');
      const result = await activity(input);
      await keepAnswer(deps, name, input, result);
      await step('succeeded');
      return result;
    } catch (caught) {
      await step('failed', reasonOf(caught)).catch((failure: unknown) => {
        deps.logger.warn({ activity: name, reason: reasonOf(failure) }, 'a failed step could not be recorded');
      });
      throw asFailure(caught, name, deps);
    } finally {
      clearInterval(beat);
    }
  };
}

/** A refusal is logged and not recorded as a step: the caller does not belong to the run. */
async function proven(name: string, input: never, deps: ActivityDependencies): Promise<void> {
  try {
    await mustBeProven(deps, name, input);
  } catch (caught) {
    const { workflowExecution, workflowType } = activityInfo();
    deps.logger.warn(
      { activity: name, workflowExecution, workflowType, reason: reasonOf(caught) },
      'a step was refused',
    );
    throw asFailure(caught, name, deps);
  }
}

function stepOf(name: string, input: unknown, deps: ActivityDependencies) {
  const { attempt } = activityInfo();
  return async (state: 'running' | 'succeeded' | 'failed', detail?: string): Promise<void> => {
    if (isRunInput(input))
      await deps.repositories.runs.step(input.runId, { name, attempt, state, detail, isolation: deps.isolation });
  };
}

function isRunInput(input: unknown): input is RunInput {
  return typeof input === 'object' && input !== null && 'runId' in input && typeof input.runId === 'string';
}

function asFailure(caught: unknown, activity: string, deps: ActivityDependencies): Error {
  if (cancellationSignal().aborted) return new CancelledFailure(`${activity} was cancelled`);
  if (caught instanceof ApplicationFailure || caught instanceof CancelledFailure) return caught;
  if (caught instanceof PerennialError) {
    return ApplicationFailure.create({
      message: caught.message,
      type: caught.code,
      nonRetryable: !caught.retryable,
      details: [caught.fields],
      cause: caught,
    });
  }
  const { attempt } = activityInfo();
  deps.logger.error({ activity, attempt, stack: caught instanceof Error ? caught.stack : undefined }, reasonOf(caught));
  return ApplicationFailure.create({
    message: `${activity}: ${reasonOf(caught)}`,
    type: 'internal',
    nonRetryable: attempt >= attemptsAtTheUnforeseen,
    cause: caught instanceof Error ? caught : undefined,
  });
}
