/** The part of a byte stream's interface that the time limit needs. */
interface Flowing {
  isPaused(): boolean;
  destroy(error?: Error): unknown;
  on(event: 'data' | 'resume' | 'close', listener: () => void): unknown;
}

/**
 * Calls `stop` if a stream delivers nothing for `idleMs` milliseconds while its reader waits; by default that destroys
 * the stream. The total time is not limited. Call this function in the same tick as `pipe`, because the stream then
 * starts to flow.
 */
export function limitIdle<Stream extends Flowing>(
  stream: Stream,
  idleMs: number,
  stop: () => void = () => void stream.destroy(nothingCame(idleMs)),
): Stream {
  const timer = setTimeout(() => {
    if (stream.isPaused()) timer.refresh();
    else stop();
  }, idleMs);
  for (const event of ['data', 'resume'] as const) stream.on(event, () => timer.refresh());
  stream.on('close', () => clearTimeout(timer));
  return stream;
}

/** Yields the items of a stream and fails if the next one does not arrive in time. */
export async function* eachInTime<Item>(
  stream: AsyncIterable<Item> & Pick<Flowing, 'destroy'>,
  idleMs: number,
): AsyncGenerator<Item> {
  const items = stream[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await withinIdle(items.next(), idleMs);
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    stream.destroy();
  }
}

async function withinIdle<Result>(answer: Promise<Result>, idleMs: number): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(nothingCame(idleMs)), idleMs);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

export function nothingCame(idleMs: number): Error {
  return new Error(`no data arrived for ${idleMs / 1000} s`);
}
