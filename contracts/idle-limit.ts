/** A stream of bytes, as far as it is watched. */
interface Flowing {
  isPaused(): boolean;
  destroy(error?: Error): unknown;
  on(event: 'data' | 'resume' | 'close', listener: () => void): unknown;
}

/**
 * Breaks a stream off when nothing has come for so long although its reader wants more. The whole may take any time. Call it in
 * the same moment as the stream is piped: it begins to flow then.
 */
export function limitIdle<Stream extends Flowing>(stream: Stream, idleMs: number): Stream {
  const timer = setTimeout(() => {
    if (stream.isPaused()) timer.refresh();
    else stream.destroy(nothingCame(idleMs));
  }, idleMs);
  for (const event of ['data', 'resume'] as const) stream.on(event, () => timer.refresh());
  stream.on('close', () => clearTimeout(timer));
  return stream;
}

/** The items of a stream, failing when the next one is not there within so long. */
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
  return new Error(`nothing came for ${idleMs / 1000} s`);
}
