import { expect, test } from 'vitest';
import type { ServerSentEvent } from '../../cli/following/server-sent-events.ts';
import { serverSentEvents } from '../../cli/following/server-sent-events.ts';

function streamOf(
  chunks: Iterable<Uint8Array<ArrayBuffer>>,
  onCancel?: () => void,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const source = chunks[Symbol.iterator]();
  return new ReadableStream({
    pull(controller) {
      const { done, value } = source.next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    },
    cancel: onCancel,
  });
}

async function eventsOf(chunks: Iterable<Uint8Array<ArrayBuffer>>): Promise<ServerSentEvent[]> {
  const events: ServerSentEvent[] = [];
  for await (const event of serverSentEvents(streamOf(chunks))) events.push(event);
  return events;
}

const bytes = (text: string) => new TextEncoder().encode(text);

test.each([
  ['line feeds', '\n'],
  ['carriage returns and line feeds', '\r\n'],
  ['carriage returns', '\r'],
])('lines may end in %s, and comments are skipped', async (_name, end) => {
  const lines = [': still here', 'event: log', 'data: one', 'data: two', 'id: 7', '', 'data:three', '', ''];
  expect(await eventsOf([bytes(lines.join(end))])).toEqual([
    { event: 'log', data: 'one\ntwo' },
    { event: 'message', data: 'three' },
  ]);
});

test('a stream may be split anywhere, even within a character or a line end', async () => {
  const whole = bytes('event: log\r\ndata: größer\r\n\r\ndata: 2\r\n\r\n');
  const single = Array.from(whole, (byte) => Uint8Array.of(byte));
  expect(await eventsOf(single)).toEqual([
    { event: 'log', data: 'größer' },
    { event: 'message', data: '2' },
  ]);
});

test('an incomplete event and an event without data are skipped', async () => {
  expect(await eventsOf([bytes('event: empty\n\ndata: whole\n\ndata: half')])).toEqual([
    { event: 'message', data: 'whole' },
  ]);
});

test('an endless event is refused before it fills the memory', async () => {
  let sent = 0;
  function* endless() {
    while (true) {
      sent += 2 ** 20;
      yield bytes(`data: ${'x'.repeat(2 ** 20)}\n`);
    }
  }
  await expect(eventsOf(endless())).rejects.toThrow(/buffer/i);
  expect(sent).toBeLessThan(16 * 2 ** 20);
});

test('a reader that stops ends the response', async () => {
  const cancelled = Promise.withResolvers<void>();
  function* endless() {
    while (true) yield bytes('data: again\n\n');
  }
  for await (const { data } of serverSentEvents(streamOf(endless(), cancelled.resolve))) {
    expect(data).toBe('again');
    break;
  }
  await cancelled.promise;
});
