import { PerennialError, reasonOf } from '../../contracts/errors.ts';
import type { Id } from '../../contracts/identifiers.ts';
import { scopeLabel } from '../../contracts/identifiers.ts';
import type { Logger } from '../../ports/logger.ts';
import type { DeploymentRepository } from '../../ports/repositories/deployment-repository.ts';
import type { Repeated } from '../repeat.ts';
import { repeat } from '../repeat.ts';
import type { LoadResult } from '../serving/serving-table.ts';

/** More than this are never of use: only the newest of a scope are asked for. */
const mostWaiting = 1_000;
const idleMs = 60_000;
const retryMs = 500;

export interface AcknowledgementDependencies {
  readonly deployments: Pick<DeploymentRepository, 'acknowledge'>;
  readonly gatewayId: Id;
  readonly logger: Logger;
}

/** Tells the database what became of each generation here, in order, for as long as it takes until the database has it. */
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
    // The later word on a generation stands at its end.
    this.#waiting.delete(key);
    this.#waiting.set(key, result);
    const [oldest] = this.#waiting.keys();
    if (this.#waiting.size > mostWaiting && oldest !== undefined) this.#waiting.delete(oldest);
    void this.#telling.now();
  }

  /** The gateway has a row that acknowledgements can refer to. */
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
          'the database does not take an acknowledgement',
        );
      }
      if (this.#waiting.get(key) === result) this.#waiting.delete(key);
    }
    return idleMs;
  }
}
