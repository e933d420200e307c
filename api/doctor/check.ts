import type { Problem } from '../../contracts/runs/diagnosis.ts';
import type { RouteContext } from '../route-context.ts';

export type Parts = Pick<
  RouteContext,
  'repositories' | 'objectStore' | 'ledgerProof' | 'workflowClient' | 'scratch' | 'logger'
>;

export interface Look {
  /** Position where the previous page ended; `undefined`: from the beginning. */
  readonly after: string | undefined;
  /** Whether to repair what can be repaired. */
  readonly fix: boolean;
  /** Whether to read every referenced byte, instead of only checking that it exists. */
  readonly deep: boolean;
}

export interface Looked {
  readonly examined: number;
  readonly problems: readonly Omit<Problem, 'check'>[];
  /** Position for the next page; `undefined` if this check is done. */
  readonly next?: string;
}

/** A check of `perennial doctor`. Each call examines a bounded part. */
export type Check = (parts: Parts, look: Look) => Promise<Looked>;
