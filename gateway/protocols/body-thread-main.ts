import { parentPort } from 'node:worker_threads';
import { PerennialError, reasonOf } from '../../contracts/errors.ts';
import type { BodyRead, BodyToRead, ReadOutcome, SentColumns } from './bodies.ts';
import { longestListHeader } from './list-in-header.ts';
import { parseBody } from './request-body.ts';
import { shallowParameters } from './request-parameters.ts';
import { RawBody } from './request-bodies.ts';
import { takenFrom } from './taken.ts';
import type { Columns } from './tensor-columns.ts';

/** Reads large bodies for `Bodies`, in a thread of their own. */
parentPort?.on('message', (body: BodyToRead) => {
  const read = readBody(body);
  parentPort?.postMessage(read, buffersOf(read));
});

function readBody({ id, protocol, format, bytes, textBytes, taken }: BodyToRead): BodyRead {
  const parsed = outcomeOf(() =>
    // A view on the shared bytes: nothing writes to them any more.
    parseBody(protocol, new RawBody(format, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), textBytes)),
  );
  if ('error' in parsed) return { id, head: parsed };
  const { columns } = parsed.value;
  const head = { ...parsed.value.head, parameters: shallowParameters(parsed.value.head.parameters) };
  return { id, head: { value: { [protocol]: head } }, columns: outcomeOf(() => sent(columns(takenFrom(taken)))) };
}

function sent({ batch: { rows, numbers, texts }, ignored }: Columns): SentColumns {
  // A header has no room for more names, and copying them from one thread to another could take seconds.
  const names = ignored.names.slice(0, longestListHeader);
  return { rows, numbers, texts, ignored: { names, count: ignored.count } };
}

function outcomeOf<Value>(work: () => Value): ReadOutcome<Value> {
  try {
    return { value: work() };
  } catch (caught) {
    if (!(caught instanceof PerennialError))
      return { error: { code: 'internal', message: reasonOf(caught), fields: {} } };
    const { code, message, fields } = caught;
    return { error: { code, message, fields } };
  }
}

/** Returns the buffers that are moved instead of copied. */
function buffersOf({ columns }: BodyRead): ArrayBuffer[] {
  if (columns === undefined || 'error' in columns) return [];
  const { numbers, texts } = columns.value;
  return [numbers, ...texts.map(({ codes }) => codes)].flatMap(({ buffer }) =>
    buffer instanceof ArrayBuffer ? [buffer] : [],
  );
}
