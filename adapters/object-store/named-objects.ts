import type { Readable } from 'node:stream';
import { PerennialError } from '../../contracts/errors.ts';

/** Most bytes of a named object, which is read as a whole. */
export const namedLimit = 2 ** 20;

const nameShape = /^[a-z0-9][a-z0-9.-]*(\/[a-z0-9][a-z0-9.-]*)+$/;

/** Returns the name unchanged. Throws if it could lead out of the store's folder or could name a blob. */
export function checkName(name: string): string {
  if (!nameShape.test(name) || name.startsWith('blobs/'))
    throw new PerennialError('internal', `"${name}" is not a valid name for an object in the store`, { name });
  return name;
}

/** Returns undefined if the stream is longer than `namedLimit`: no object that was put under a name is that large. */
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
