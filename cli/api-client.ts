import type { FileHandle } from 'node:fs/promises';
import { Readable, Transform } from 'node:stream';
import { z } from 'zod';
import { isErrorCode, PerennialError, reasonOf } from '../contracts/errors.ts';
import { readFromStart } from './files/open-file.ts';
import type { ServerSentEvent } from './following/server-sent-events.ts';
import { serverSentEvents } from './following/server-sent-events.ts';

type Init = Omit<RequestInit, 'headers'> & {
  readonly duplex?: 'half';
  readonly headers?: Readonly<Record<string, string>>;
};
type Query = Readonly<Record<string, string | number | undefined>>;

const Problem = z
  .object({
    code: z.string().optional(),
    detail: z.string().optional(),
    title: z.string().optional(),
    status: z.number().optional(),
  })
  .loose();

/**
 * Client of the REST API with one API key. Error responses are thrown as PerennialErrors with the server's code and
 * message.
 */
export class ApiClient {
  readonly url: string;
  readonly #key: string;
  readonly #project: string;
  /** Name of the proxy through which the API is reached; null for a direct connection. */
  readonly #proxy: string | null;

  constructor(
    url: string,
    { key, project, proxy }: { readonly key: string; readonly project: string; readonly proxy: string | null },
  ) {
    this.url = url.replace(/\/$/, '');
    this.#key = key;
    this.#project = project;
    this.#proxy = proxy;
  }

  async get<Schema extends z.ZodType>(path: string, schema: Schema, query: Query = {}): Promise<z.infer<Schema>> {
    return understood(path, schema, await this.#json('GET', path, query));
  }

  async send<Schema extends z.ZodType>(
    method: 'POST' | 'PUT' | 'DELETE',
    path: string,
    schema: Schema,
    body?: unknown,
    query: Query = {},
    headers: Readonly<Record<string, string>> = {},
  ): Promise<z.infer<Schema>> {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const answer = await this.#json(method, path, query, payload, {
      ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    });
    return understood(path, schema, answer);
  }

  async sendText<Schema extends z.ZodType>(
    method: 'PUT' | 'POST',
    path: string,
    schema: Schema,
    text: string,
    contentType: string,
    query: Query = {},
  ): Promise<z.infer<Schema>> {
    return understood(path, schema, await this.#json(method, path, query, text, { 'content-type': contentType }));
  }

  /** Uploads a file under its digest. Safe to repeat: a file that the server already has changes nothing. */
  async upload(file: FileHandle, sha256: string, told: (sent: number, size: number) => void = () => {}): Promise<void> {
    const { size } = await file.stat();
    let sent = 0;
    const counted = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        told((sent += chunk.length), size);
        done(null, chunk);
      },
    });
    const source = readFromStart(file);
    source.once('error', (error) => counted.destroy(error));
    const body = Readable.toWeb(source.pipe(counted)) as ReadableStream<Uint8Array>;
    try {
      const init: Init = {
        body,
        duplex: 'half',
        headers: { 'content-type': 'application/octet-stream', 'content-length': String(size) },
      };
      const response = await this.#fetch('PUT', `/v1/blobs/${sha256}`, {}, init);
      await response.arrayBuffer();
    } finally {
      // The server may refuse an upload before reading all of it; stop reading the file, because the caller is about to
      // close it.
      source.destroy();
    }
  }

  async download(path: string, query: Query = {}): Promise<ReadableStream<Uint8Array>> {
    const response = await this.#fetch('GET', path, query, {});
    if (response.body === null)
      throw new PerennialError('internal', `the API's answer to ${path} has no body`, { path });
    return response.body;
  }

  /** Yields server-sent events until the server ends the stream. */
  async *events(path: string, query: Query, signal: AbortSignal): AsyncGenerator<ServerSentEvent> {
    const response = await this.#fetch('GET', path, query, { headers: { accept: 'text/event-stream' }, signal });
    if (response.body === null) return;
    yield* serverSentEvents(response.body);
  }

  async #json(
    method: string,
    path: string,
    query: Query,
    body?: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<unknown> {
    const response = await this.#fetch(method, path, query, { body, headers });
    const text = await response.text();
    if (text === '') return null;
    const answer = parseJson(text);
    if (answer === undefined)
      throw new PerennialError(
        'internal',
        `the answer of ${this.url}${path} is not JSON; check that ${this.url} is the address of the API`,
        {
          url: this.url,
        },
      );
    return answer;
  }

  async #fetch(method: string, path: string, query: Query, init: Init): Promise<Response> {
    const url = new URL(this.url + path);
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(name, String(value));
    const headers = { ...init.headers, authorization: `Bearer ${this.#key}`, 'perennial-project': this.#project };
    let response: Response;
    try {
      response = await fetch(url, { ...init, method, headers });
    } catch (caught) {
      if (init.signal?.aborted === true) throw caught;
      const cause = caught instanceof Error && caught.cause !== undefined ? caught.cause : caught;
      throw new PerennialError(
        'api-unavailable',
        this.#proxy === null
          ? `the API at ${this.url} does not answer (${reasonOf(cause)}); perennial status shows what is running, perennial up starts the embedded stack`
          : `the API at ${this.url} does not answer through the proxy ${this.#proxy} (${reasonOf(cause)}); check the proxy, or add the host to NO_PROXY`,
        { url: this.url },
        { cause: caught },
      );
    }
    if (!response.ok) throw await problemOf(response);
    return response;
  }
}

/**
 * Parses a response. A response of another shape comes from an API of another version, or from a server that is not the
 * API.
 */
function understood<Schema extends z.ZodType>(path: string, schema: Schema, answer: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new PerennialError(
    'internal',
    `this version of the command line does not understand the API's answer to ${path} (${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}); use the command line and the API from the same checkout`,
    { path },
  );
}

async function problemOf(response: Response): Promise<PerennialError> {
  const text = await response.text();
  const parsed = Problem.safeParse(parseJson(text));
  const problem = parsed.success ? parsed.data : {};
  const code = problem.code !== undefined && isErrorCode(problem.code) ? problem.code : 'internal';
  const said = problem.detail ?? problem.title ?? `HTTP ${response.status}: ${text.slice(0, 300)}`;
  const wayOut = code === 'unauthenticated' ? '; set PERENNIAL_KEY or use --key' : '';
  return new PerennialError(code, `${said}${wayOut}`, { status: response.status });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
