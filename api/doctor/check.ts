import type { Problem } from '../../contracts/runs/diagnosis.ts';
import type { RouteContext } from '../route-context.ts';

export type Parts = Pick<
  RouteContext,
  'repositories' | 'objectStore' | 'ledgerProof' | 'workflowClient' | 'scratch' | 'logger'
>;

export interface Look {
  /** Where the page before ended; undefined: at the beginning. */
  readonly after: string | undefined;
  /** Mend what can be mended. */
  readonly fix: boolean;
  /** Read every byte that is referred to, and not only ask whether it is there. */
  readonly deep: boolean;
}

export interface Looked {
  readonly examined: number;
  readonly problems: readonly Omit<Problem, 'check'>[];
  /** Where to go on; undefined: this check is done. */
  readonly next?: string;
}

/** One thing that `perennial doctor` looks at, a bounded part at a time. */
export type Check = (parts: Parts, look: Look) => Promise<Looked>;
