import { EventSourceParserStream } from 'eventsource-parser/stream';

export interface ServerSentEvent {
  readonly event: string;
  readonly data: string;
}

const charactersAtMost = 4 * 1024 ** 2;

/** The events of a `text/event-stream`; comments are left out. An event over 4 MiB ends the stream with an error. */
export async function* serverSentEvents(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<ServerSentEvent> {
  const parser = new EventSourceParserStream({ maxBufferSize: charactersAtMost });
  for await (const { event = 'message', data } of body.pipeThrough(new TextDecoderStream()).pipeThrough(parser))
    yield { event, data };
}
