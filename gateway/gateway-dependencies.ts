import type { Logger } from '../ports/logger.ts';
import type { KeyTable } from './key-table.ts';
import type { Inference } from './serving/inference.ts';
import type { GatewayMetrics } from './gateway-metrics.ts';
import type { ServingTable } from './serving/serving-table.ts';

/** What the routes act through. */
export interface GatewayServerDependencies {
  readonly table: ServingTable;
  readonly keys: KeyTable;
  readonly inference: Inference;
  readonly metrics: GatewayMetrics;
  readonly logger: Logger;
  readonly staleSeconds: () => number;
  /** Aborted when the gateway begins to stop: it still answers but is no longer ready. */
  readonly leaving: AbortSignal;
  /** Why predictions cannot be logged; undefined: they can. */
  readonly writingProblem: () => string | undefined;
  /** Reads the keys again, because one was not found. */
  readonly lookAgain: () => Promise<void>;
  /** Uploads all that was logged for the scope, and reports what was served. */
  readonly flush: (scope: {
    readonly project: string;
    readonly model: string;
    readonly environment: string;
  }) => Promise<void>;
}
