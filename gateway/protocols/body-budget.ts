import type { ServerResponse } from 'node:http';
import { Transform } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { PerennialError } from '../../contracts/errors.ts';
import { refuse } from './tensor-columns.ts';

/** Reading a body of this size takes about a millisecond. */
export const largeBodyBytes = 256 * 1024;
const budgetBytes = 512 * 2 ** 20;

/**
 * Bounds the bytes of large bodies that the gateway holds at a time, compressed and decompressed, because otherwise a
 * few hundred clients that each send the largest body could exhaust its memory.
 */
export class BodyBudget {
  readonly #bytesAtMost: number;
  #held = 0;
  readonly #heldFor = new Map<ServerResponse, number>();

  constructor(bytesAtMost = budgetBytes) {
    this.#bytesAtMost = bytesAtMost;
  }

  /** Holds bytes until the response is sent or its connection closed. Throws `too-busy` if they do not fit. */
  hold(bytes: number, response: ServerResponse): void {
    if (this.#held + bytes > this.#bytesAtMost)
      throw new PerennialError(
        'too-busy',
        'the gateway holds as many bytes of large requests as it may; send the request again in a second, use another gateway, or send fewer rows at a time',
      );
    this.#held += bytes;
    const before = this.#heldFor.get(response);
    this.#heldFor.set(response, (before ?? 0) + bytes);
    if (before === undefined) response.once('close', () => this.#release(response));
  }

  #release(response: ServerResponse): void {
    this.#held -= this.#heldFor.get(response) ?? 0;
    this.#heldFor.delete(response);
  }
}

/** Counts the large bodies of all requests against the budget. */
export function boundBodies(app: FastifyInstance, budget: BodyBudget): void {
  app.decorateRequest('holdBytes', null);
  app.addHook('preParsing', (request, { raw: response }, payload, done) => {
    const { 'content-length': length, 'content-encoding': encoding } = request.headers;
    if (encoding !== undefined)
      request.setDecorator('holdBytes', (bytes: number) => {
        if (bytes > largeBodyBytes) budget.hold(bytes, response);
      });
    if (length === undefined) {
      const counted = counting((bytes) => budget.hold(bytes, response));
      // `pipe` does not pass on that the client went away, and the request would then never end.
      payload.once('close', () => {
        if (!payload.readableEnded) counted.destroy(refuse('the connection was closed before the end of the body'));
      });
      done(null, payload.pipe(counted));
      return;
    }
    if (Number(length) > largeBodyBytes) budget.hold(Number(length), response);
    done(null, payload);
  });
}

/** Counts decompressed bytes. Throws `too-busy` if they do not fit into the budget. */
export function holdDecompressed(request: FastifyRequest, bytes: number): void {
  request.getDecorator<(bytes: number) => void>('holdBytes')(bytes);
}

/** Passes a body of unknown length on, and calls `hold` for every part of it once it is large. */
function counting(hold: (bytes: number) => void): Transform {
  let passed = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      passed += chunk.length;
      try {
        if (passed > largeBodyBytes) hold(chunk.length);
      } catch (caught) {
        done(caught instanceof Error ? caught : new Error(String(caught)));
        return;
      }
      done(null, chunk);
    },
  });
}
