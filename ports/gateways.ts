import type { Cell } from '../contracts/data/data-types.ts';
import type { Instant, Scope } from '../contracts/identifiers.ts';

export interface InferenceRow {
  readonly id: string;
  readonly features: Readonly<Record<string, Cell>>;
  readonly eventTime?: Instant;
}

/** A row that the gateway refused because of the value of one feature, in the gateway's words. */
export interface RefusedRow {
  readonly id: string;
  readonly feature: string;
  readonly reason: string;
}

/** What became of rows that were sent. */
export interface SentRows {
  readonly answered: number;
  /** Rows that the model has no finite answer to; the gateway has logged and counted them. */
  readonly unanswered: number;
  readonly refused: readonly RefusedRow[];
}

/** The gateways as the worker talks to them, over their own HTTP protocol. */
export interface Gateways {
  /** Has every live gateway seal and upload what it has logged for the scope; resolves when all rows answered so far are in the store. `gateways-absent` if none answers. */
  flush(scope: Scope): Promise<void>;
  /**
   * Sends each row as a request of its own through a live gateway, at most `concurrency` at once, in order of start.
   * `key` is the principal's API key. `replayAs` marks them as replayed and picks champion or canary. Retries what
   * a gateway refused with 503, for at most 30 s a row. A row without an answer, or with a value that the gateway refuses,
   * does not stop the others.
   */
  send(
    scope: Scope,
    rows: readonly InferenceRow[],
    options: { readonly key: string; readonly concurrency: number; readonly replayAs?: 'champion' | 'canary' },
  ): Promise<SentRows>;
}
