import { v7 } from 'uuid';
import type { IdMaker } from '../../ports/ids.ts';

/**
 * Creates ids as UUIDs of version 7. Within one process a later id sorts after an earlier one, even in the same
 * millisecond.
 */
export function createIdMaker(): IdMaker {
  return { next: () => v7() };
}
