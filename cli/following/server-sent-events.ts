import { EventSourceParserStream } from 'eventsource-parser/stream';

export interface ServerSentEvent {
  readonly event: string;
  readonly data: string;
}

const charactersAtMost = 4 * 1024 ** 2;

/**
 * Yields the events of a `text/event-stream` without its comments. An event over 4 MiB ends the stream with an error.
 */
export async function* serverSentEvents(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<ServerSentEvent> {
  const parser = new EventSourceParserStream({ maxBufferSize: charactersAtMost });
  for await (const { event = 'message', data } of body.pipeThrough(new TextDecoderStream()).pipeThrough(parser))
    yield { event, data };
}
