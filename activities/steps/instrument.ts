import { activityInfo, cancellationSignal, heartbeat } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import { attemptBegun, attemptFailed, attemptsFrom } from '../../contracts/runs/attempts.ts';
import type { Attempts } from '../../contracts/runs/attempts.ts';
import { asDiskFull } from '../../contracts/disk-full.ts';
import { PerennialError, reasonOf } from '../../contracts/errors.ts';
import type { RunInput } from '../../contracts/pipelines/step.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';
import { keepAnswer, mustBeProven } from './prove.ts';
import { errorCodeOf, activityFailure, refuseAfterLost } from './retry-end.ts';

type Activity = (input: never) => Promise<unknown>;
type InstrumentDependencies = Pick<
  ActivityDependencies,
  'repositories' | 'workflowClient' | 'logger' | 'isolation' | 'collectionSchedule'
>;

const heartbeatMs = 1_000;

/**
 * Wraps every activity: it proves that the caller may ask for the step (prove.ts), sends heartbeats so that a dead
 * worker is noticed, records the attempt as a step of its run, and converts errors to Temporal failures with the same
 * code. A failure is final if a retry cannot help or the retries are used up (retry-end.ts).
 */
export function instrument<All extends Record<string, Activity>>(activities: All, deps: InstrumentDependencies): All {
  const wrapped = { ...activities };
  for (const [name, activity] of Object.entries(activities))
    Object.assign(wrapped, { [name]: around(name, activity, deps) });
  return wrapped;
}

function around(name: string, activity: Activity, deps: InstrumentDependencies): Activity {
  return async (input: never) => {
    const before = attemptsFrom(activityInfo().heartbeatDetails);
    const begun = attemptBegun(before);
    heartbeat(begun);
    const beat = setInterval(() => heartbeat(begun), heartbeatMs);
    try {
      await mustBeProven(deps, name, input).catch((caught: unknown) => logRefusal(caught, name, deps));
      return await asStep(name, input, deps, async () => {
        refuseAfterLost(name, before);
        const result = await activity(input).catch((caught: unknown) => {
          throw asDiskFull(caught);
        });
        await keepAnswer(deps, name, input, result);
        return result;
      });
    } catch (caught) {
      throw endOf(caught, name, before, deps);
    } finally {
      clearInterval(beat);
    }
  };
}

/** A refusal is logged and not recorded as a step: the caller does not belong to the run. */
function logRefusal(caught: unknown, name: string, { logger }: InstrumentDependencies): never {
  const { workflowExecution, workflowType } = activityInfo();
  logger.warn({ activity: name, workflowExecution, workflowType, reason: reasonOf(caught) }, 'a step was refused');
  throw caught;
}

/** Records the attempt as a step of its run. */
async function asStep<Result>(
  name: string,
  input: unknown,
  deps: InstrumentDependencies,
  work: () => Promise<Result>,
): Promise<Result> {
  const step = stepOf(name, input, deps);
  try {
    await step('running');
    const result = await work();
    await step('succeeded');
    return result;
  } catch (caught) {
    await step('failed', reasonOf(caught)).catch((failure: unknown) => {
      deps.logger.warn({ activity: name, reason: reasonOf(failure) }, 'the failure of a step could not be recorded');
    });
    throw caught;
  }
}

function stepOf(name: string, input: unknown, deps: InstrumentDependencies) {
  const { attempt } = activityInfo();
  return async (state: 'running' | 'succeeded' | 'failed', detail?: string): Promise<void> => {
    if (isRunInput(input))
      await deps.repositories.runs.step(input.runId, { name, attempt, state, detail, isolation: deps.isolation });
  };
}

function isRunInput(input: unknown): input is RunInput {
  return typeof input === 'object' && input !== null && 'runId' in input && typeof input.runId === 'string';
}

function endOf(caught: unknown, activity: string, before: Attempts, { logger }: InstrumentDependencies): Error {
  if (cancellationSignal().aborted || caught instanceof CancelledFailure) {
    // A cancellation, for example when a worker is being stopped, does not count as a failed attempt.
    heartbeat(before);
    return caught instanceof CancelledFailure ? caught : new CancelledFailure(`${activity} was cancelled`);
  }
  if (!(caught instanceof PerennialError)) {
    const { attempt } = activityInfo();
    logger.error({ activity, attempt, stack: caught instanceof Error ? caught.stack : undefined }, reasonOf(caught));
  }
  const attempts = attemptFailed(before, errorCodeOf(caught));
  heartbeat(attempts);
  return activityFailure(caught, activity, attempts);
}
