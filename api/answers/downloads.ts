import type { FastifyReply } from 'fastify';
import type { Sha256 } from '../../contracts/identifiers.ts';
import type { ObjectStore } from '../../ports/object-store.ts';

/**
 * Sends a blob in chunks, without a Content-Length. If the bytes do not match their digest, the stream fails at its
 * end, and the client notices that the last chunk is missing.
 */
export async function sendBlob(
  reply: FastifyReply,
  objectStore: ObjectStore,
  sha256: Sha256,
  { type, filename }: { readonly type: string; readonly filename: string },
): Promise<FastifyReply> {
  const bytes = await objectStore.get(sha256);
  return reply
    .headers({ etag: `"${sha256}"`, 'content-disposition': `attachment; filename="${filename}"` })
    .type(type)
    .send(bytes);
}
