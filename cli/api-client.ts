import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { z } from 'zod';
import { isErrorCode, PerennialError, reasonOf } from '../contracts/errors.ts';

type Query = Readonly<Record<string, string | number | undefined>>;

const Problem = z
  .object({
    code: z.string().optional(),
    detail: z.string().optional(),
    title: z.string().optional(),
    status: z.number().optional(),
  })
  .loose();

/** The REST API with one key. Problems come back as PerennialErrors with the server's code and words. */
export class ApiClient {
  readonly url: string;
  readonly #key: string;
  readonly #project: string;

  constructor(url: string, key: string, project: string) {
    this.url = url.replace(/\/$/, '');
    this.#key = key;
    this.#project = project;
  }

  async get<Schema extends z.ZodType>(path: string, schema: Schema, query: Query = {}): Promise<z.infer<Schema>> {
    return schema.parse(await this.#json('GET', path, query));
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
    return schema.parse(
      await this.#json(method, path, query, payload, {
        ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      }),
    );
  }

  async sendText<Schema extends z.ZodType>(
    method: 'PUT' | 'POST',
    path: string,
    schema: Schema,
    text: string,
    contentType: string,
    query: Query = {},
  ): Promise<z.infer<Schema>> {
    return schema.parse(await this.#json(method, path, query, text, { 'content-type': contentType }));
  }

  /** Uploads a file under its digest; one that the server has is sent again for free. */
  async upload(path: string, sha256: string): Promise<void> {
    const { size } = await stat(path);
    const body = Readable.toWeb(createReadStream(path)) as ReadableStream<Uint8Array>;
    const response = await this.#fetch(
      'PUT',
      `/v1/blobs/${sha256}`,
      {},
      { body, duplex: 'half', headers: { 'content-type': 'application/octet-stream', 'content-length': String(size) } },
    );
    await response.arrayBuffer();
  }

  async download(path: string, query: Query = {}): Promise<ReadableStream<Uint8Array>> {
    const response = await this.#fetch('GET', path, query, {});
    if (response.body === null) throw new PerennialError('internal', `${path} answered without a body`, { path });
    return response.body;
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
    return text === '' ? null : JSON.parse(text);
  }

  async #fetch(method: string, path: string, query: Query, init: RequestInit & { duplex?: 'half' }): Promise<Response> {
    const url = new URL(this.url + path);
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(name, String(value));
    const headers = { ...init.headers, authorization: `Bearer ${this.#key}`, 'perennial-project': this.#project };
    let response: Response;
    try {
      response = await fetch(url, { ...init, method, headers });
    } catch (caught) {
      const cause = caught instanceof Error && caught.cause !== undefined ? caught.cause : caught;
      throw new PerennialError(
        'internal',
        `${this.url} does not answer (${reasonOf(cause)}); is the stack up? perennial status tells`,
        { url: this.url },
        { cause: caught },
      );
    }
    if (!response.ok) throw await problemOf(response);
    return response;
  }
}

async function problemOf(response: Response): Promise<PerennialError> {
  const text = await response.text();
  const parsed = Problem.safeParse(parseJson(text));
  const problem = parsed.success ? parsed.data : {};
  const code = problem.code !== undefined && isErrorCode(problem.code) ? problem.code : 'internal';
  return new PerennialError(code, problem.detail ?? problem.title ?? `HTTP ${response.status}: ${text.slice(0, 300)}`, {
    status: response.status,
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
