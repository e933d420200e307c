import type { Id } from '../contracts/identifiers.ts';

/** Makes UUIDs of version 7. */
export interface IdMaker {
  next(): Id;
}
