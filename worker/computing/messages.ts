import type { Info } from '@temporalio/activity';
import type { ErrorFields } from '../../contracts/errors.ts';

/** To a process that computes: one piece of work; the next when it has answered. */
export interface Order {
  readonly name: string;
  readonly input: unknown;
  /** Of the activity that it is part of. */
  readonly info: Info;
}

/** What it answers. `unforeseen`: what was thrown is no PerennialError. */
export type Answer<Result = unknown> =
  | { readonly kind: 'result'; readonly result: Result }
  | { readonly kind: 'refusal'; readonly code: string; readonly message: string; readonly fields: ErrorFields }
  | { readonly kind: 'unforeseen'; readonly message: string; readonly stack: string | undefined };
