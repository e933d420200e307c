import type { Id } from '../contracts/identifiers.ts';

/** Creates UUIDs of version 7. */
export interface IdMaker {
  next(): Id;
  /** Returns as many ids, in ascending order. */
  several(count: number): Id[];
}
