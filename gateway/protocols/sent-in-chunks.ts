import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { nextTurn } from '../turns.ts';

/** Copying this many bytes to a socket takes well below a millisecond. */
const chunkBytes = 64 * 2 ** 10;

/** Returns a text as the payload of a response, like `sentInChunks`. */
export function sentText(reply: FastifyReply, text: string): string | Buffer | Readable {
  return text.length <= chunkBytes ? text : sentInChunks(reply, Buffer.from(text, 'utf8'));
}

/** Returns the payload of a response: many bytes in chunks, between which the event loop handles other events. */
export function sentInChunks(reply: FastifyReply, bytes: Buffer): Buffer | Readable {
  if (bytes.length <= chunkBytes) return bytes;
  void reply.header('content-length', bytes.length);
  return Readable.from(chunksOf(bytes), { objectMode: false });
}

async function* chunksOf(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    if (at > 0) await nextTurn();
    yield bytes.subarray(at, at + chunkBytes);
  }
}
