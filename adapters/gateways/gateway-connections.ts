import * as http from 'node:http';
import * as https from 'node:https';

/**
 * A gateway's answer. The error's `code` and the refused `feature` come from headers, because the protocol's error body
 * has no field for them.
 */
export interface GatewayAnswer {
  readonly status: number;
  readonly code: string | undefined;
  /** Name of the refused feature, percent-encoded. */
  readonly feature?: string | undefined;
  readonly text: string;
}

/** One POST of JSON over a connection that is kept alive. */
export interface GatewayRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** Most bytes of an answer. A gateway's answers are small. */
const answerLimit = 2 ** 20;

// Connections are kept alive, because opening one costs more than sending a row. Idle connections do not keep the
// process running.
const kept = { keepAlive: true, maxSockets: 256, maxFreeSockets: 64, timeout: 60_000 };
const plain = new http.Agent(kept);
const secure = new https.Agent(kept);

export function post({ url, headers, body, timeoutMs, signal }: GatewayRequest): Promise<GatewayAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<GatewayAnswer>();
  const options = {
    method: 'POST',
    signal,
    headers: { ...headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
  };
  const answered = (response: http.IncomingMessage): void => {
    const pieces: Buffer[] = [];
    let bytes = 0;
    response.on('data', (piece: Buffer) => {
      bytes += piece.length;
      if (bytes > answerLimit) request.destroy(new Error(`the answer is larger than ${answerLimit} bytes`));
      else pieces.push(piece);
    });
    response.on('error', reject);
    response.on('end', () => {
      const { 'perennial-error': code, 'perennial-feature': feature } = response.headers;
      resolve({
        status: response.statusCode ?? 0,
        code: typeof code === 'string' ? code : undefined,
        feature: typeof feature === 'string' ? feature : undefined,
        text: Buffer.concat(pieces).toString(),
      });
    });
  };
  const request = url.startsWith('https:')
    ? https.request(url, { ...options, agent: secure }, answered)
    : http.request(url, { ...options, agent: plain }, answered);
  request.setTimeout(timeoutMs, () => request.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)));
  request.on('error', reject);
  request.end(body);
  return promise;
}
