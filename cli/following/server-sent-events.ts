export interface ServerSentEvent {
  readonly event: string;
  readonly data: string;
}

const bytesAtMost = 4 * 1024 ** 2;

/** The events of a `text/event-stream`; comments are left out. */
export async function* serverSentEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerSentEvent> {
  let rest = '';
  const decoder = new TextDecoder();
  for await (const bytes of body) {
    const blocks = (rest + decoder.decode(bytes, { stream: true })).split('\n\n');
    rest = blocks.pop() ?? '';
    if (rest.length > bytesAtMost) throw new Error(`an event of the stream is longer than ${bytesAtMost} bytes`);
    for (const block of blocks) {
      const fields = new Map<string, string>();
      for (const line of block.split('\n')) {
        const [, name, value] = /^([a-z]+): ?(.*)$/s.exec(line) ?? [];
        if (name !== undefined && value !== undefined)
          fields.set(name, fields.has(name) ? `${fields.get(name)}\n${value}` : value);
      }
      const data = fields.get('data');
      if (data !== undefined) yield { event: fields.get('event') ?? 'message', data };
    }
  }
}
