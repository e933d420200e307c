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

/**
 * Each flush creates a file, and every report reads all files of its window. Therefore 20 flushes per scope are allowed
 * at once, and after that one per minute.
 */
const burst = 20;
const refillMs = 60_000;
const scopesAtMost = 1_000;
/**
 * Maximum time to wait for a flush, in milliseconds. Labels of predictions that arrive later are joined once the
 * predictions are there.
 */
const waitMs = 10_000;

interface Allowance {
  left: number;
  at: number;
}

/**
 * Creates a function that makes the gateways upload the predictions of the last minute, so that their labels can be
 * joined. This is best effort: without gateways, or after too many flushes, labels wait for their predictions.
 */
export function createRecentPredictions({ gateways, clock, logger }: RecentPredictionsDependencies) {
  const allowances = new Map<string, Allowance>();
  return async (scope: Scope): Promise<void> => {
    if (!take(allowances, scopeLabel(scope), Date.parse(clock.now()))) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, waitMs)));
    const flushed = gateways.flush(scope).catch((caught: unknown) => {
      logger.info(
        { scope: scopeLabel(scope), reason: reasonOf(caught) },
        'the gateways have not uploaded their newest predictions; the labels of these predictions wait for the upload',
      );
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
  // Deleting and inserting moves the scope to the end, so that the least recently used scope is evicted.
  allowances.delete(scope);
  allowances.set(scope, { left: Math.max(0, left - 1), at });
  const [oldest] = allowances.keys();
  if (allowances.size > scopesAtMost && oldest !== undefined) allowances.delete(oldest);
  return left > 0;
}
