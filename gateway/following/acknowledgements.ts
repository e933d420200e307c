import { PerennialError, reasonOf } from '../../contracts/errors.ts';
import type { Id } from '../../contracts/identifiers.ts';
import { scopeLabel } from '../../contracts/identifiers.ts';
import type { Logger } from '../../ports/logger.ts';
import type { DeploymentRepository } from '../../ports/repositories/deployment-repository.ts';
import type { Repeated } from '../repeat.ts';
import { repeat } from '../repeat.ts';
import type { LoadResult } from '../serving/serving-table.ts';

/**
 * Limit of unsent acknowledgements; the oldest beyond it are discarded, because the database needs only the newest of
 * each scope.
 */
const mostWaiting = 1_000;
const idleMs = 60_000;
const retryMs = 500;

export interface AcknowledgementDependencies {
  readonly deployments: Pick<DeploymentRepository, 'acknowledge'>;
  readonly gatewayId: Id;
  readonly logger: Logger;
}

/**
 * Reports to the database whether this gateway loaded each generation, in order, and retries until the database has
 * accepted the report.
 */
export class Acknowledgements {
  readonly #deps: AcknowledgementDependencies;
  readonly #waiting = new Map<string, LoadResult>();
  readonly #telling: Repeated;
  #open = false;

  constructor(deps: AcknowledgementDependencies) {
    this.#deps = deps;
    this.#telling = repeat(() => this.#tell());
  }

  add(result: LoadResult): void {
    const key = `${scopeLabel(result.scope)}@${result.generation}`;
    // A newer result for the same generation moves to the end of the queue.
    this.#waiting.delete(key);
    this.#waiting.set(key, result);
    const [oldest] = this.#waiting.keys();
    if (this.#waiting.size > mostWaiting && oldest !== undefined) this.#waiting.delete(oldest);
    void this.#telling.now();
  }

  /** Starts sending. Call it once the database has a row for this gateway, which acknowledgements refer to. */
  open(): void {
    this.#open = true;
    void this.#telling.now();
  }

  stop(): Promise<void> {
    return this.#telling.stop();
  }

  async #tell(): Promise<number> {
    if (!this.#open) return idleMs;
    for (const [key, result] of this.#waiting) {
      const { scope, generation, error } = result;
      const { gatewayId, deployments } = this.#deps;
      try {
        await deployments.acknowledge({
          gatewayId,
          modelId: scope.modelId,
          environment: scope.environment,
          generation,
          error,
        });
      } catch (caught) {
        if (!(caught instanceof PerennialError) || caught.retryable) return retryMs;
        this.#deps.logger.warn(
          { scope: scopeLabel(scope), generation, reason: reasonOf(caught) },
          'the database refused an acknowledgement',
        );
      }
      if (this.#waiting.get(key) === result) this.#waiting.delete(key);
    }
    return idleMs;
  }
}
