import type { Logger } from '../ports/logger.ts';
import type { KeyTable } from './key-table.ts';
import type { Bodies } from './protocols/bodies.ts';
import type { BodyBudget } from './protocols/body-budget.ts';
import type { Inference } from './serving/inference.ts';
import type { GatewayMetrics } from './gateway-metrics.ts';
import type { ServingTable } from './serving/serving-table.ts';

/** Dependencies of the HTTP routes. */
export interface GatewayServerDependencies {
  readonly table: ServingTable;
  readonly keys: KeyTable;
  readonly bodies: Bodies;
  readonly bodyBudget: BodyBudget;
  readonly inference: Inference;
  readonly metrics: GatewayMetrics;
  readonly logger: Logger;
  readonly staleSeconds: () => number;
  /** Aborted when the gateway begins to stop: it still answers but is no longer ready. */
  readonly leaving: AbortSignal;
  /** Returns why predictions cannot be logged, or `undefined` if they can. */
  readonly writingProblem: () => string | undefined;
  /** Reads the API keys again, because a presented key was not found. */
  readonly lookAgain: () => Promise<void>;
  /** Uploads all logged rows of the scope and reports its serving counts. */
  readonly flush: (scope: {
    readonly project: string;
    readonly model: string;
    readonly environment: string;
  }) => Promise<void>;
}
