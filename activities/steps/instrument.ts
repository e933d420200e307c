import { activityInfo, cancellationSignal, heartbeat } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import { attemptCancelled, attemptFailed, attemptsBefore } from '../../contracts/runs/attempts.ts';
import type { Attempts } from '../../contracts/runs/attempts.ts';
import { asDiskFull } from '../../contracts/disk-full.ts';
import { PerennialError, reasonOf } from '../../contracts/errors.ts';
import type { Id } from '../../contracts/identifiers.ts';
import type { RunInput } from '../../contracts/pipelines/step.ts';
import type { RecordedStep } from '../../ports/repositories/run-repository.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';
import { keptOf, mustBeProven } from './prove.ts';
import { errorCodeOf, activityFailure, refuseAfterLost } from './retry-end.ts';

type Activity = (input: never) => Promise<unknown>;
type InstrumentDependencies = Pick<
  ActivityDependencies,
  'repositories' | 'workflowClient' | 'logger' | 'isolation' | 'collectionSchedule'
>;

const heartbeatMs = 1_000;
/** Most steps that only read or write rows have ended by then. */
const soonMs = 100;

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
    const { heartbeatDetails, attempt } = activityInfo();
    const before = attemptsBefore(heartbeatDetails, attempt);
    const beat = setInterval(() => heartbeat(before), heartbeatMs);
    try {
      await mustBeProven(deps, name, input).catch((caught: unknown) => logRefusal(caught, name, deps));
      return await asStep(name, input, deps, async () => {
        refuseAfterLost(name, before);
        const result = await activity(input).catch((caught: unknown) => {
          throw asDiskFull(caught);
        });
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

/**
 * Records the attempt as a step of its run. A step that ends soon is recorded once, at its end; a crash before that
 * leaves no record of the attempt, and the next one has the next number.
 */
async function asStep<Result>(
  name: string,
  input: unknown,
  deps: InstrumentDependencies,
  work: () => Promise<Result>,
): Promise<Result> {
  if (!isRunInput(input)) return work();
  const { runId } = input;
  const record = recordOf(name, runId, deps);
  const running = untilRecorded(() => record({ state: 'running' }));
  try {
    const result = await work();
    await running.end();
    await record({ state: 'succeeded', results: keptOf(name, input, result) });
    return result;
  } catch (caught) {
    await running.end();
    await record({ state: 'failed', detail: reasonOf(caught) }).catch((failure: unknown) => {
      deps.logger.warn({ activity: name, reason: reasonOf(failure) }, 'the failure of a step could not be recorded');
    });
    throw caught;
  }
}

function recordOf(name: string, runId: Id, { repositories, isolation }: InstrumentDependencies) {
  const { attempt } = activityInfo();
  const begunMs = performance.now();
  return async (step: Pick<RecordedStep, 'state' | 'detail' | 'results'>): Promise<void> => {
    const begunMsAgo = Math.round(performance.now() - begunMs);
    await repositories.runs.step(runId, { name, attempt, isolation, begunMsAgo, ...step });
  };
}

/** Calls `record` soon, and again until it succeeds. Garbage collection relies on the record of a step that runs for long. */
function untilRecorded(record: () => Promise<void>): { end(): Promise<void> } {
  let recording = Promise.resolve();
  const again = (): void => {
    recording = record().catch(() => {
      timer = setTimeout(again, heartbeatMs);
    });
  };
  let timer = setTimeout(again, soonMs);
  return {
    async end() {
      clearTimeout(timer);
      await recording;
      clearTimeout(timer);
    },
  };
}

function isRunInput(input: unknown): input is RunInput {
  return typeof input === 'object' && input !== null && 'runId' in input && typeof input.runId === 'string';
}

function endOf(caught: unknown, activity: string, before: Attempts, { logger }: InstrumentDependencies): Error {
  if (cancellationSignal().aborted || caught instanceof CancelledFailure) {
    // A cancellation, for example when a worker is being stopped, does not count as a failed attempt.
    heartbeat(attemptCancelled(before));
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
