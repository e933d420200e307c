import type { Cell } from '../contracts/data/data-types.ts';
import type { Instant, Scope } from '../contracts/identifiers.ts';

export interface InferenceRow {
  readonly id: string;
  readonly features: Readonly<Record<string, Cell>>;
  readonly eventTime?: Instant;
}

/** A row that the gateway refused because of the value of one feature. `reason` is the gateway's message. */
export interface RefusedRow {
  readonly id: string;
  readonly feature: string;
  readonly reason: string;
}

/** Result of sending rows to a gateway. */
export interface SentRows {
  readonly answered: number;
  /** Number of rows for which the model gave no finite answer. The gateway has logged and counted them. */
  readonly unanswered: number;
  readonly refused: readonly RefusedRow[];
}

/** Client of the gateways' HTTP protocol, for the worker. */
export interface Gateways {
  /**
   * Makes every live gateway seal and upload its log for the scope. Resolves when all rows answered so far are in the
   * object store. Throws `gateways-absent` if no gateway answers.
   */
  flush(scope: Scope): Promise<void>;
  /**
   * Sends each row as its own request through a live gateway, starting them in order, with at most `concurrency` open
   * at once. `key` is the principal's API key. `replayAs` marks the rows as replayed and selects champion or canary. A
   * row that a gateway refuses with 503 is retried for at most 30 s. A row without an answer, or with a value that the
   * gateway refuses, does not stop the others.
   */
  send(
    scope: Scope,
    rows: readonly InferenceRow[],
    options: { readonly key: string; readonly concurrency: number; readonly replayAs?: 'champion' | 'canary' },
  ): Promise<SentRows>;
}
