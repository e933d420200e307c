import { ActivityFailure, ApplicationFailure, isCancellation, rootCause, TimeoutFailure } from '@temporalio/workflow';
import type { RunConclusion } from '../../contracts/pipelines/lifecycle-steps.ts';
import { reasonOf } from '../../contracts/errors.ts';
import type { RunFailure } from '../../contracts/runs/run.ts';

/** Converts what a step threw into the end of its run: cancelled, or failed with the step's code and reason. */
export function conclusionFrom(caught: unknown): RunConclusion {
  if (isCancellation(caught)) return { state: 'cancelled', reason: 'cancelled' };
  return { state: 'failed', failure: failureFrom(caught) };
}

function failureFrom(caught: unknown): RunFailure {
  const cause = caught instanceof ActivityFailure ? caught.cause : caught;
  if (cause instanceof ApplicationFailure) {
    const fields: unknown = cause.details?.[0];
    return { code: cause.type ?? 'internal', message: cause.message, fields: isRecord(fields) ? fields : {} };
  }
  if (caught instanceof ActivityFailure && cause instanceof TimeoutFailure) return lost(caught.activityType, cause);
  return { code: 'internal', message: rootCause(caught) ?? reasonOf(caught), fields: {} };
}

/** The time for all attempts of a step ran out before any attempt reported a final result. */
function lost(activity: string, timeout: TimeoutFailure): RunFailure {
  const last = timeout.cause === undefined ? '' : `; the last attempt failed with: ${reasonOf(timeout.cause)}`;
  return {
    code: 'step-lost',
    message: `no worker finished ${activity} within the time limit for all its attempts${last}; check that a worker polls its queue, then start the run again`,
    fields: { activity, timeout: timeout.timeoutType },
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
