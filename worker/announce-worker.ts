import { hostname } from 'node:os';
import { reasonOf } from '../contracts/errors.ts';
import type { Isolation } from '../contracts/runs/isolation.ts';
import type { Clock } from '../ports/clock.ts';
import type { IdMaker } from '../ports/ids.ts';
import type { Logger } from '../ports/logger.ts';
import type { Repositories } from '../ports/repositories/repositories.ts';

const everyMs = 20_000;

interface Announced {
  readonly repositories: Repositories;
  readonly clock: Clock;
  readonly ids: IdMaker;
  readonly logger: Logger;
  readonly isolation: Isolation;
}

/**
 * Periodically records in the database that this worker is alive and how it isolates user code. Returns a function that
 * stops this.
 */
export async function announceWorker({
  repositories,
  clock,
  ids,
  logger,
  isolation,
}: Announced): Promise<() => Promise<void>> {
  const worker = { id: ids.next(), host: hostname(), isolation, startedAt: clock.now() };
  say(logger, isolation);
  await repositories.workers.announce(worker);
  const timer = setInterval(() => {
    repositories.workers.announce(worker).catch((caught: unknown) => {
      logger.warn({ reason: reasonOf(caught) }, 'the database could not record that this worker is alive');
    });
  }, everyMs);
  return async () => {
    clearInterval(timer);
    await repositories.workers.leave(worker.id).catch((caught: unknown) => {
      logger.warn({ reason: reasonOf(caught) }, 'the database could not record that this worker has stopped');
    });
  };
}

function say(logger: Logger, isolation: Isolation): void {
  if (isolation.kind === 'bubblewrap') logger.info({ ...isolation }, 'user code runs in sandboxes');
  else if (isolation.kind === 'refused')
    logger.warn(
      { ...isolation },
      `this worker runs no user code: PERENNIAL_SANDBOX is "required" and ${isolation.reason ?? 'there is no sandbox'}`,
    );
  else
    logger.warn(
      { ...isolation },
      `user code runs with the rights of this worker, because ${isolation.reason ?? 'there is no sandbox'}; set PERENNIAL_SANDBOX=required to refuse user code instead`,
    );
}
