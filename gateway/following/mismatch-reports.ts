import { reasonOf } from '../../contracts/errors.ts';
import type { Id } from '../../contracts/identifiers.ts';
import { scopeLabel } from '../../contracts/identifiers.ts';
import type { Logger } from '../../ports/logger.ts';
import type { DeploymentRepository, ServingMismatch } from '../../ports/repositories/deployment-repository.ts';
import type { Repeated } from '../repeat.ts';
import { repeat } from '../repeat.ts';

const idleMs = 60_000;
const retryMs = 1_000;

export interface MismatchDependencies {
  readonly deployments: Pick<DeploymentRepository, 'noteMismatches'>;
  readonly gatewayId: Id;
  readonly logger: Logger;
}

/**
 * Reports to the log and the database which deployed generations the ledger does not confirm, whenever that set
 * changes.
 */
export class MismatchReports {
  readonly #deps: MismatchDependencies;
  readonly #telling: Repeated;
  #found: readonly ServingMismatch[] | undefined;
  #told: string | undefined;
  #open = false;

  constructor(deps: MismatchDependencies) {
    this.#deps = deps;
    this.#telling = repeat(() => this.#tell());
  }

  set(found: readonly ServingMismatch[]): void {
    const before = new Set((this.#found ?? []).map(keyOf));
    const now = new Set(found.map(keyOf));
    for (const mismatch of found)
      if (!before.has(keyOf(mismatch)))
        this.#deps.logger.error(
          { scope: scopeLabel(mismatch.scope), generation: mismatch.generation, reason: mismatch.reason },
          'the deployed generation does not match the ledger and is not served; perennial doctor shows what to do',
        );
    for (const mismatch of this.#found ?? [])
      if (!now.has(keyOf(mismatch)))
        this.#deps.logger.info(
          { scope: scopeLabel(mismatch.scope), generation: mismatch.generation },
          'the deployed generation matches the ledger again',
        );
    this.#found = found;
    if (JSON.stringify([...now]) !== this.#told) void this.#telling.now();
  }

  /** Starts sending. Call it once the database has a row for this gateway, which reports refer to. */
  open(): void {
    this.#open = true;
    void this.#telling.now();
  }

  stop(): Promise<void> {
    return this.#telling.stop();
  }

  async #tell(): Promise<number> {
    if (!this.#open || this.#found === undefined) return idleMs;
    const telling = JSON.stringify(this.#found.map(keyOf));
    if (telling === this.#told) return idleMs;
    try {
      await this.#deps.deployments.noteMismatches(this.#deps.gatewayId, this.#found);
      this.#told = telling;
      return idleMs;
    } catch (caught) {
      this.#deps.logger.debug(
        { reason: reasonOf(caught) },
        'mismatches with the ledger could not be reported to the database; this will be tried again',
      );
      return retryMs;
    }
  }
}

function keyOf({ scope, generation, reason }: ServingMismatch): string {
  return `${scopeLabel(scope)}@${generation}: ${reason}`;
}
