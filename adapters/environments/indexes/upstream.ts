import type { IncomingMessage, RequestOptions } from 'node:http';
import http from 'node:http';
import https from 'node:https';
import type { Readable } from 'node:stream';
import { getCACertificates } from 'node:tls';
import { createGunzip } from 'node:zlib';
import { proxyFor, proxyName } from '../../../contracts/settings/proxies.ts';
import type { Reach } from './package-sources.ts';
import { comparableAddress } from './package-sources.ts';

const redirectsAtMost = 5;

/** Error of a request that would fail again if it were retried. */
export class FinalRefusal extends Error {
  override readonly name = 'FinalRefusal';
}

/** Returns the error for an answer with a status other than 200. */
export function unexpectedAnswer({ status, url, body }: UpstreamAnswer): Error {
  body.destroy();
  const sentence = `${comparableAddress(url.href)} answered with status ${status}`;
  const isFinal = status >= 400 && status < 500 && status !== 408 && status !== 429;
  if (status === 401 || status === 403)
    return new FinalRefusal(`${sentence}; ask the administrator to check the credentials of the package index`);
  return isFinal ? new FinalRefusal(sentence) : new Error(sentence);
}

export interface UpstreamAnswer {
  readonly status: number;
  readonly contentType: string;
  /** Address after redirects. Relative addresses in a page are resolved against it. */
  readonly url: URL;
  readonly bytes: number | null;
  readonly body: Readable;
}

export interface UpstreamRequest {
  readonly url: URL;
  /** Address of the administrator's index that contains `url`, or that named `url` on one of its pages. */
  readonly index: URL;
  readonly accept: string;
  readonly authorization: string | undefined;
  readonly signal: AbortSignal;
}

/**
 * Requests pages of the administrator's indexes, and files from the hosts that these pages name, for one installation.
 */
export class Upstream {
  readonly #reach: Reach;
  /** Agents by protocol and by the proxy's address (`direct` without a proxy). */
  readonly #agents = new Map<string, http.Agent>();

  constructor(reach: Reach) {
    this.#reach = reach;
  }

  /**
   * Requests an address and follows redirects. Throws an error that says which address failed and why, without
   * credentials.
   */
  async get(request: UpstreamRequest): Promise<UpstreamAnswer> {
    let { url } = request;
    for (let redirects = 0; redirects <= redirectsAtMost; redirects += 1) {
      if (!isReachable(url, request.index))
        throw new FinalRefusal(
          `${comparableAddress(url.href)} is refused: a page may only name files over https, or on the index's own host`,
        );
      const answer = await this.#ask(url, request);
      const { statusCode = 502, headers } = answer;
      const location = statusCode >= 300 && statusCode < 400 ? headers.location : undefined;
      if (location === undefined || !URL.canParse(location, url)) return answerOf(answer, statusCode, url);
      answer.destroy();
      url = new URL(location, url);
    }
    throw new Error(`${comparableAddress(request.url.href)} was redirected more than ${redirectsAtMost} times`);
  }

  /** Requests a file without content encoding. Throws if the status is not 200. */
  async file(request: Omit<UpstreamRequest, 'accept'>): Promise<UpstreamAnswer> {
    const answer = await this.get({ ...request, accept: anyFile });
    if (answer.status !== 200) throw unexpectedAnswer(answer);
    return answer;
  }

  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
  }

  #agentFor({ protocol }: URL, proxy: URL | null): http.Agent {
    const key = `${protocol} ${proxy?.href ?? 'direct'}`;
    const agent = this.#agents.get(key) ?? this.#newAgent(protocol, proxy);
    this.#agents.set(key, agent);
    return agent;
  }

  /**
   * Returns the agent's proxy options. Without the timeout, a request would wait forever for a proxy that never opens
   * its tunnel.
   */
  #through(proxy: URL | null): http.AgentOptions {
    if (proxy === null) return {};
    return { proxyEnv: { HTTP_PROXY: proxy.href, HTTPS_PROXY: proxy.href }, timeout: this.#reach.idleMs };
  }

  #newAgent(protocol: string, proxy: URL | null): http.Agent {
    const shared = { keepAlive: true, maxSockets: 16, ...this.#through(proxy) };
    if (protocol !== 'https:') return new http.Agent(shared);
    const { authorities, clientCertificate } = this.#reach;
    return new https.Agent({
      ...shared,
      ...(authorities.length === 0 ? {} : { ca: [...getCACertificates('default'), ...authorities] }),
      ...(clientCertificate === undefined ? {} : { cert: clientCertificate, key: clientCertificate }),
    });
  }

  #ask(url: URL, { accept, authorization, index, signal }: UpstreamRequest): Promise<IncomingMessage> {
    const isOwn = url.origin === index.origin;
    const isTrusted = this.#reach.trustedHosts.some((host) => host === url.host || host === url.hostname);
    const proxy = proxyFor(this.#reach.proxies, url);
    const options: RequestOptions & { rejectUnauthorized?: boolean } = {
      agent: this.#agentFor(url, proxy),
      headers: {
        accept,
        'accept-encoding': accept === anyFile ? 'identity' : 'gzip',
        'user-agent': 'perennial',
        // Credentials never go to another host, even after a redirect.
        ...(authorization !== undefined && isOwn ? { authorization } : {}),
      },
      signal,
      ...(isTrusted ? { rejectUnauthorized: false } : {}),
    };
    const bare = new URL(url.href);
    bare.username = '';
    bare.password = '';
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const by = proxy === null ? '' : ` through the proxy ${proxyName(proxy)}`;
    const fail = (why: string): void => reject(new Error(`${comparableAddress(url.href)} did not answer${by}: ${why}`));
    const asked = (url.protocol === 'https:' ? https : http).get(bare, options, resolve);
    asked.setTimeout(this.#reach.idleMs, () =>
      asked.destroy(new Error(`no data arrived for ${this.#reach.idleMs / 1000} s`)),
    );
    asked.on('error', (caught) => fail(reasonOfConnection(caught)));
    return promise;
  }
}

const anyFile = '*/*';

/**
 * Returns whether a page may name this address: https on any host, or http on the index's own. A page must not send
 * this worker to plain http services in the worker's own network.
 */
function isReachable(url: URL, index: URL): boolean {
  return url.protocol === 'https:' || (url.protocol === 'http:' && url.origin === index.origin);
}

function answerOf(answer: IncomingMessage, status: number, url: URL): UpstreamAnswer {
  const { headers } = answer;
  const isGzip = headers['content-encoding'] === 'gzip';
  const length = Number(headers['content-length']);
  return {
    status,
    contentType: headers['content-type'] ?? '',
    url,
    bytes: isGzip || !Number.isSafeInteger(length) ? null : length,
    body: isGzip ? unzipped(answer) : answer,
  };
}

function unzipped(answer: IncomingMessage): Readable {
  const gunzip = createGunzip();
  answer.on('error', (caught) => gunzip.destroy(caught));
  answer.on('aborted', () => gunzip.destroy(new Error('the connection was interrupted')));
  return answer.pipe(gunzip);
}

function reasonOfConnection(caught: Error): string {
  const code = 'code' in caught && typeof caught.code === 'string' ? caught.code : undefined;
  return caught.message === '' ? (code ?? 'the connection failed') : caught.message;
}

/** Returns the whole body as text. Throws if it is larger than `bytesAtMost`. */
export async function textOf(answer: UpstreamAnswer, bytesAtMost: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer.body) {
    if (!Buffer.isBuffer(chunk)) continue;
    bytes += chunk.length;
    if (bytes > bytesAtMost) {
      answer.body.destroy();
      throw new Error(`${comparableAddress(answer.url.href)} sent more than ${bytesAtMost} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
