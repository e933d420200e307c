import { setTimeout as pause } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { reasonOf } from '../contracts/errors.ts';
import type { Logger } from '../ports/logger.ts';
import type { Acknowledgements } from './following/acknowledgements.ts';
import type { Chores } from './chores.ts';
import type { DeploymentFollower } from './following/follow-deployments.ts';
import type { KeptLease } from './following/keep-lease.ts';
import type { MismatchReports } from './following/mismatch-reports.ts';
import type { PredictionLog } from './log/prediction-log.ts';
import type { Shadow } from './serving/shadow.ts';

export interface Running {
  readonly app: FastifyInstance;
  readonly follower: DeploymentFollower;
  readonly lease: KeptLease;
  readonly chores: Chores;
  readonly acknowledgements: Acknowledgements;
  readonly mismatches: MismatchReports;
  readonly log: PredictionLog;
  readonly shadow: Shadow;
  readonly logger: Logger;
}

export interface Drain {
  /**
   * How long requests are still answered, in milliseconds, so that load balancers notice that the gateway is no longer
   * ready.
   */
  readonly milliseconds: number;
  /** Ends the drain early. */
  readonly hurry?: AbortSignal;
}

/** Gives up the lease, drains, finishes active requests, uploads the log and reports the counts. */
export async function closeGateway(running: Running, drain: Drain): Promise<void> {
  const { app, follower, lease, chores, acknowledgements, mismatches, log, shadow, logger } = running;
  // The lease ends first, so that no deployment waits for a gateway that is stopping.
  const gaveUp = lease
    .end()
    .catch((caught: unknown) =>
      logger.warn({ reason: reasonOf(caught) }, 'the lease could not be ended; it will expire by itself'),
    );
  if (drain.milliseconds > 0)
    await pause(drain.milliseconds, undefined, { signal: drain.hurry }).catch(() => undefined);
  await app.close();
  await shadow.idle();
  await Promise.all([
    gaveUp,
    follower.stop(),
    acknowledgements.stop(),
    mismatches.stop(),
    chores.sweep.stop(),
    chores.tend.stop(),
    chores.look.stop(),
  ]);
  // Runs last, so that the counts and rows of the last requests are included.
  await Promise.all([chores.tell.now(), log.close()]);
  await chores.tell.stop();
}
