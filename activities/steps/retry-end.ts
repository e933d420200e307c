import { activityInfo } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { Attempts } from '../../contracts/runs/attempts.ts';
import type { ErrorCode } from '../../contracts/errors.ts';
import { PerennialError, reasonOf, retryBoundOf } from '../../contracts/errors.ts';

const hourMs = 3_600_000;

/**
 * Converts what an attempt threw into Temporal's failure. The failure is final if the error table does not allow a
 * retry, or if the retries that it allows are used up. Anything that is not a PerennialError counts as `internal`.
 *
 * @param attempts the failed attempts so far, including this one.
 */
export function activityFailure(caught: unknown, activity: string, attempts: Attempts): ApplicationFailure {
  const code = errorCodeOf(caught);
  const message = caught instanceof PerennialError ? caught.message : `${activity}: ${reasonOf(caught)}`;
  const fields = caught instanceof PerennialError ? caught.fields : {};
  const bound = retryBoundOf(code);
  const spent = bound !== undefined && isSpent(code, attempts);
  return ApplicationFailure.create({
    message: spent ? `${message}. ${givenUp(activity)}` : message,
    type: code,
    nonRetryable: bound === undefined || spent,
    details: [spent ? { ...fields, attempts: activityInfo().attempt } : fields],
    cause: caught instanceof Error ? caught : undefined,
  });
}

export function errorCodeOf(caught: unknown): ErrorCode {
  return caught instanceof PerennialError ? caught.code : 'internal';
}

/** Throws if too many earlier attempts ended without an error, because their worker died or their time ran out. */
export function refuseAfterLost(activity: string, { lost }: Attempts): void {
  const bound = retryBoundOf('process-died');
  if (bound === undefined || !('attempts' in bound) || lost < bound.attempts) return;
  throw new PerennialError(
    'step-lost',
    `${activity} was started ${lost} times, and each time its worker died or the attempt timed out without reporting an error; check the worker's log and memory, then start the run again`,
    { activity, lost },
  );
}

function isSpent(code: ErrorCode, { failed }: Attempts): boolean {
  const bound = retryBoundOf(code);
  if (bound === undefined) return true;
  return 'attempts' in bound ? (failed[code] ?? 0) >= bound.attempts : sinceFirstMs() >= bound.hours * hourMs;
}

function sinceFirstMs(): number {
  return Date.now() - activityInfo().scheduledTimestampMs;
}

function givenUp(activity: string): string {
  const { attempt } = activityInfo();
  const times = attempt === 1 ? 'once' : `${attempt} times`;
  return `${activity} was tried ${times} within ${durationSaid(sinceFirstMs())} and is not tried again; fix the cause, then start the run again`;
}

function durationSaid(ms: number): string {
  if (ms < 120_000) return `${Math.max(1, Math.round(ms / 1000))} s`;
  if (ms < 2 * hourMs) return `${Math.round(ms / 60_000)} min`;
  return `${Math.round(ms / hourMs)} h`;
}
