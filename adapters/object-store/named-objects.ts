import type { Readable } from 'node:stream';
import { PerennialError } from '../../contracts/errors.ts';

/** Small objects that have a name of their own are read whole. */
export const namedLimit = 2 ** 20;

const nameShape = /^[a-z0-9][a-z0-9.-]*(\/[a-z0-9][a-z0-9.-]*)+$/;

/** A name is never a way out of the store's folder, nor one of a blob. */
export function checkName(name: string): string {
  if (!nameShape.test(name) || name.startsWith('blobs/'))
    throw new PerennialError('internal', `"${name}" is no name for an object of the store`, { name });
  return name;
}

/** Undefined if the stream has more than it may: no object that was put under a name is that large. */
export async function collectNamed(stream: Readable): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > namedLimit) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, bytes);
}
