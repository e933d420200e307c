import type { Info } from '@temporalio/activity';
import type { ErrorFields } from '../../contracts/errors.ts';

/** One piece of work for a computing process. The worker sends the next one only after the answer. */
export interface ComputationOrder {
  readonly name: string;
  readonly input: unknown;
  /** The Temporal info of the activity that this work is part of. */
  readonly info: Info;
}

/** Answer of a computing process. `unforeseen` means that an error other than a PerennialError was thrown. */
export type ComputationAnswer<Result = unknown> =
  | { readonly kind: 'result'; readonly result: Result }
  | { readonly kind: 'refusal'; readonly code: string; readonly message: string; readonly fields: ErrorFields }
  | { readonly kind: 'unforeseen'; readonly message: string; readonly stack: string | undefined };
