import type { EncodedContext } from '../../contracts/serving/segment-blocks/encode-block.ts';
import { encodeContext } from '../../contracts/serving/segment-blocks/encode-block.ts';
import type { ServedScope, ServedSlot } from '../serving/serving-table.ts';
import type { LogChannel } from './log-channel.ts';

/** What is constant in the rows that one slot of one generation answers. */
export interface LogStream {
  readonly context: EncodedContext;
  readonly channel: LogChannel;
}

/**
 * Maximum width of a logged output. Wider outputs, such as embeddings, are returned but not logged, because they would
 * dominate the log.
 */
const widestLogged = 64;

export function logContext({ generation }: ServedScope, slot: ServedSlot): EncodedContext {
  const { vectors = [] } = slot.model.signature;
  return encodeContext({
    release: slot.releaseDigest,
    modelVersion: slot.version,
    generation,
    vectors: vectors.filter(({ width }) => width <= widestLogged).map(({ name }) => name),
  });
}
