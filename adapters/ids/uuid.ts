import { v7 } from 'uuid';
import type { IdMaker } from '../../ports/ids.ts';

/** UUIDs of version 7: later ones of one process sort after earlier ones, also within a millisecond. */
export function createIdMaker(): IdMaker {
  return { next: () => v7() };
}
