import type { Scope } from '../../contracts/identifiers.ts';
import { scopeLabel } from '../../contracts/identifiers.ts';
import { reasonOf } from '../../contracts/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Gateways } from '../../ports/gateways.ts';
import type { Logger } from '../../ports/logger.ts';

export interface RecentPredictionsDependencies {
  readonly gateways: Pick<Gateways, 'flush'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Each time makes a file, and every report reads all files of its window: a burst is free, then it is once a minute. */
const burst = 20;
const refillMs = 60_000;
const scopesAtMost = 1_000;
/** The labels of predictions that take longer wait for them. */
const waitMs = 10_000;

interface Allowance {
  left: number;
  at: number;
}

/**
 * Has the gateways hand over the predictions of the last minute, so that their labels find them. Best effort: without gateways, or
 * if they were asked too often, labels wait for their predictions.
 */
export function createRecentPredictions({ gateways, clock, logger }: RecentPredictionsDependencies) {
  const allowances = new Map<string, Allowance>();
  return async (scope: Scope): Promise<void> => {
    if (!take(allowances, scopeLabel(scope), Date.parse(clock.now()))) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, waitMs)));
    const flushed = gateways.flush(scope).catch((caught: unknown) => {
      logger.info({ scope: scopeLabel(scope), reason: reasonOf(caught) }, 'the newest predictions are not known yet');
    });
    await Promise.race([flushed, late]);
    clearTimeout(timer);
  };
}

function take(allowances: Map<string, Allowance>, scope: string, now: number): boolean {
  const known = allowances.get(scope) ?? { left: burst, at: now };
  const refilled = Math.floor((now - known.at) / refillMs);
  const left = Math.min(burst, known.left + refilled);
  const at = left === burst ? now : known.at + refilled * refillMs;
  // The scope that was asked for least recently gives way.
  allowances.delete(scope);
  allowances.set(scope, { left: Math.max(0, left - 1), at });
  const [oldest] = allowances.keys();
  if (allowances.size > scopesAtMost && oldest !== undefined) allowances.delete(oldest);
  return left > 0;
}
