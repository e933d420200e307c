import { v7 } from 'uuid';
import type { IdMaker } from '../../ports/ids.ts';

const idBytes = 16;
/** Random bytes are drawn for this many ids at a time, because a call of the random generator costs more than an id. */
const idsAtATime = 512;

/**
 * Creates ids as UUIDs of version 7. Within one process a later id sorts after an earlier one, even in the same
 * millisecond.
 */
export function createIdMaker(): IdMaker {
  const pool = new Uint8Array(idBytes * idsAtATime);
  let used = pool.length;
  let msecs = 0;
  let seq = 0;
  return {
    next() {
      if (used === pool.length) {
        crypto.getRandomValues(pool);
        used = 0;
      }
      const random = pool.subarray(used, (used += idBytes));
      const now = Date.now();
      if (now > msecs) {
        msecs = now;
        // Begins in the lower half of the counter's range, so that it does not overflow within a millisecond (RFC 9562).
        seq = (((random[6] ?? 0) & 0x7f) << 24) | ((random[7] ?? 0) << 16) | ((random[8] ?? 0) << 8) | (random[9] ?? 0);
      } else {
        seq = (seq + 1) | 0;
        if (seq === 0) msecs += 1;
      }
      return v7({ random, msecs, seq });
    },
  };
}
