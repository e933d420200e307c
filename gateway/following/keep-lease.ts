import { reasonOf } from '../../contracts/errors.ts';
import type { Id } from '../../contracts/identifiers.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Logger } from '../../ports/logger.ts';
import type { DeploymentRepository } from '../../ports/repositories/deployment-repository.ts';
import { repeat } from '../repeat.ts';

export interface LeaseDependencies {
  readonly deployments: Pick<DeploymentRepository, 'keepLease' | 'endLease'>;
  readonly gateway: { readonly id: Id; readonly address: string };
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called when the lease is held for the first time, and whenever it is held again after a failure. */
  readonly onHeld: () => void;
  readonly leaseMs?: number;
}

export interface KeptLease {
  /** Renews the lease now. Resolves when the attempt is over, even if it failed. */
  now(): Promise<void>;
  /**
   * Stops renewing the lease and ends it, so that no deployment waits for this gateway. Rejects if the database is
   * unreachable.
   */
  end(): Promise<void>;
}

const retryMs = 500;

/** Renews the gateway's lease (wall-clock time) every third of its length, and sooner after a failed attempt. */
export function keepLease({
  deployments,
  gateway,
  clock,
  logger,
  onHeld,
  leaseMs = 15_000,
}: LeaseDependencies): KeptLease {
  let held = false;
  let warned = false;
  const keeping = repeat(async () => {
    try {
      const until = new Date(Date.parse(clock.now()) + leaseMs).toISOString();
      await deployments.keepLease(gateway, until);
      if (!held) logger.info({ gateway: gateway.id, address: gateway.address }, 'the lease is held');
      if (!held) onHeld();
      held = true;
      warned = false;
      return leaseMs / 3;
    } catch (caught) {
      held = false;
      if (!warned)
        logger.warn({ reason: reasonOf(caught) }, 'the lease cannot be renewed; the loaded generations keep serving');
      warned = true;
      return retryMs;
    }
  });
  void keeping.now();
  return {
    now: () => keeping.now(),
    async end() {
      await keeping.stop();
      await deployments.endLease(gateway.id);
    },
  };
}
