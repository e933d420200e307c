import { Readable, Transform } from 'node:stream';
import { z } from 'zod';
import { PerennialError } from '../../../contracts/errors.ts';
import { limitIdle } from '../../../contracts/time/idle-limit.ts';
import { Sha256 } from '../../../contracts/identifiers.ts';
import { authorizeWithin } from '../../access/authorize.ts';
import type { Api, RouteContext } from '../../route-context.ts';
import type { UploadLimits } from '../../api-dependencies.ts';
import { ProjectHeaders, problems } from '../../request-shapes.ts';

const usualLimits: UploadLimits = { bytes: 5 * 2 ** 30, idleMs: 120_000 };
const leaseMs = 24 * 60 * 60_000;

export function blobRoutes(app: Api, context: RouteContext): void {
  const { repositories, objectStore, clock, uploads: limits = usualLimits } = context;

  void app.register(async (uploads: Api) => {
    // Bodies of any Content-Type are streamed as raw bytes and never held in memory.
    uploads.removeAllContentTypeParsers();
    uploads.addContentTypeParser('*', (_request, payload, done) => done(null, payload));

    uploads.put(
      '/v1/blobs/:sha256',
      {
        schema: {
          tags: ['blobs'],
          summary: 'Upload bytes to the project under their SHA-256; uploading the same bytes again changes nothing',
          params: z.object({ sha256: Sha256 }),
          headers: ProjectHeaders,
          response: { 200: z.object({ sha256: Sha256, bytes: z.number().int(), existed: z.boolean() }), ...problems },
        },
      },
      async (request, reply) => {
        const project = request.headers['perennial-project'];
        const principal = authorizeWithin(context, request, { project });
        const { sha256 } = request.params;
        if (Number(request.headers['content-length'] ?? 0) > limits.bytes) throw tooLarge(limits);
        const body = request.body instanceof Readable ? request.body : Readable.from([]);
        // Checks only this project, because whether another project has the same bytes must not be revealed.
        const existed = await repositories.blobs.has(project, sha256);
        const { bytes } = await objectStore.put(sha256, bounded(body, limits)).catch((caught: unknown) => {
          // The rest of the body is not read, so the connection cannot be reused.
          void reply.header('connection', 'close');
          throw caught;
        });
        const leaseUntil = new Date(Date.parse(clock.now()) + leaseMs).toISOString();
        await repositories.blobs.record(project, { sha256, bytes, leaseUntil }, principal.id);
        return { sha256, bytes, existed };
      },
    );
  });
}

/**
 * Passes the stream through and fails it at a limit. An aborted request fails it too, so that no partial upload is
 * stored.
 */
function bounded(source: Readable, limits: UploadLimits): Readable {
  let seen = 0;
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      seen += chunk.length;
      if (seen > limits.bytes) done(tooLarge(limits));
      else done(null, chunk);
    },
  });
  // Destroys only the copy and not the request, so that the client still gets the answer.
  limitIdle(source, limits.idleMs, () => counted.destroy(stalled(limits.idleMs)));
  // The stream may fail before the store reads it; without a listener, that error would end the process. The store
  // still gets the error when it reads.
  counted.on('error', () => undefined);
  source.on('error', (error) => counted.destroy(error));
  source.once('close', () => {
    if (!source.readableEnded)
      counted.destroy(new PerennialError('invalid-request', 'the upload ended before its last byte; send it again'));
  });
  return source.pipe(counted);
}

function stalled(idleMs: number): PerennialError {
  return new PerennialError(
    'invalid-request',
    `the upload was stopped because no bytes arrived for ${idleMs / 1000} s; send it again`,
    { idleMs },
  );
}

function tooLarge({ bytes }: UploadLimits): PerennialError {
  return new PerennialError(
    'too-large',
    `an upload may have at most ${bytes} bytes; split the file, compress it, or raise PERENNIAL_UPLOAD_SIZE on the API`,
    { limit: bytes, setting: 'PERENNIAL_UPLOAD_SIZE' },
  );
}
