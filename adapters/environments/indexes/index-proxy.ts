import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { reasonOf } from '../../../contracts/errors.ts';
import type { FileHash, PackageFiles } from './package-files.ts';
import { FinalRefusal } from './upstream.ts';

/** A file that an index page lists. */
export interface NamedFile {
  readonly filename: string;
  readonly hash: FileHash | null;
  /** Opens the file or its metadata. Throws an error that says why it is unavailable. */
  open(suffix: '' | '.metadata', signal: AbortSignal): Promise<OpenedFile>;
}

export interface OpenedFile {
  readonly bytes: number | null;
  readonly body: Readable;
}

/** The pages that are served below one path segment of the proxy. */
export interface IndexPages {
  /** The path segment: `simple` or `npm`. */
  readonly root: string;
  /**
   * Returns the page at a path below `root`, or null if there is none. Throws an error that says why the page is
   * unavailable. `serve` registers a file and returns its address.
   */
  page(
    path: string,
    request: IncomingMessage,
    serve: (file: NamedFile) => string,
    signal: AbortSignal,
  ): Promise<ServedPage | null>;
}

export interface ServedPage {
  readonly contentType: string;
  readonly text: string;
}

export interface IndexProxy {
  readonly port: number;
  /** Base address with the secret path segment that keeps other processes of this machine out. Ends with a slash. */
  readonly address: string;
  close(): Promise<void>;
}

const filesAtMost = 1_000_000;
const fileBytesAtMost = 20 * 2 ** 30;
const connectionsAtMost = 64;
const idleMs = 10 * 60_000;

/**
 * Starts the proxy that is the only address an installation reaches. It serves only the pages of the administrator's
 * indexes and the files that these pages list. The credentials and certificates of the indexes stay in this process.
 */
export async function startIndexProxy(
  indexes: readonly IndexPages[],
  files: PackageFiles,
  onProblem: (sentence: string) => void,
): Promise<IndexProxy> {
  const answering = new Answering(indexes, files, onProblem);
  const server = createServer((request, response) => void answering.answer(request, response));
  server.maxConnections = connectionsAtMost;
  server.setTimeout(idleMs);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = portOf(server);
  answering.address = `http://127.0.0.1:${port}/${answering.secret}/`;
  return {
    port,
    address: answering.address,
    close: async () => {
      answering.stop.abort();
      server.close();
      server.closeAllConnections();
      await files.prune();
    },
  };
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy of the package index has no port');
  return address.port;
}

/**
 * Rewrites a line of a program's output for people. The proxy's addresses, which are valid only during the
 * installation, become names of files or "the package index".
 */
export function withoutProxyAddresses(line: string): string {
  return line
    .replaceAll(/http:\/\/127\.0\.0\.1:\d+\/[A-Za-z0-9_-]{32}\/files\/\d+\//g, '')
    .replaceAll(/http:\/\/127\.0\.0\.1:\d+\/[A-Za-z0-9_-]{32}\/(?:simple|npm)\/?/g, 'the package index ')
    .replaceAll(/ \(from -r \S+ \(line \d+\)\)/g, '');
}

class Answering {
  readonly secret = randomBytes(24).toString('base64url');
  readonly stop = new AbortController();
  address = '';
  readonly #indexes: readonly IndexPages[];
  readonly #files: PackageFiles;
  readonly #onProblem: (sentence: string) => void;
  readonly #named = new Map<string, NamedFile>();
  readonly #told = new Set<string>();

  constructor(indexes: readonly IndexPages[], files: PackageFiles, onProblem: (sentence: string) => void) {
    this.#indexes = indexes;
    this.#files = files;
    this.#onProblem = onProblem;
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // When a client disconnects, the requests made on its behalf are cancelled.
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const signal = AbortSignal.any([gone.signal, this.stop.signal]);
    try {
      await this.#answer(request, response, signal);
    } catch (caught) {
      if (signal.aborted) return response.destroy() && undefined;
      const sentence = `the package index cannot be read: ${reasonOf(caught)}`;
      this.#tell(sentence);
      if (response.headersSent) response.destroy();
      else say(response, caught instanceof FinalRefusal ? 403 : 503, sentence);
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse, signal: AbortSignal): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', 'http://127.0.0.1');
    const [, secret, root = '', ...rest] = pathname.split('/');
    if (secret !== this.secret) return say(response, 403, 'this package index belongs to another installation');
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return say(response, 403, 'this package index is read-only: only GET and HEAD are allowed');
    if (root === 'files') return this.#sendFile(rest[0] ?? '', rest[1] ?? '', request, response, signal);
    const index = this.#indexes.find((one) => one.root === root);
    if (index === undefined)
      return say(response, 403, 'only pages of the package index and their files are served here');
    const page = await index.page(rest.join('/'), request, (file) => this.#serve(file), signal);
    if (page === null) return say(response, 404, 'the package index has no such package');
    response.writeHead(200, { 'content-type': page.contentType });
    response.end(request.method === 'HEAD' ? undefined : page.text);
  }

  #serve(file: NamedFile): string {
    if (this.#named.size >= filesAtMost) throw new Error(`the pages name more than ${filesAtMost} files`);
    const id = String(this.#named.size + 1);
    this.#named.set(id, file);
    return `${this.address}files/${id}/${encodeURIComponent(file.filename)}`;
  }

  async #sendFile(
    id: string,
    name: string,
    request: IncomingMessage,
    response: ServerResponse,
    signal: AbortSignal,
  ): Promise<void> {
    const file = this.#named.get(id);
    const asked = decodeURIComponent(name);
    const suffix = asked === file?.filename ? '' : asked === `${file?.filename}.metadata` ? '.metadata' : null;
    if (file === undefined || suffix === null)
      return say(response, 403, 'no page of the package index names this file');
    const kept = suffix === '' && file.hash !== null ? await this.#files.find(file.hash) : null;
    const { bytes, body } = kept ?? (await file.open(suffix, signal));
    response.writeHead(200, {
      'content-type': 'application/octet-stream',
      ...(bytes === null ? {} : { 'content-length': bytes }),
    });
    if (request.method === 'HEAD') {
      body.destroy();
      response.end();
      return;
    }
    const source = bounded(body, file.filename);
    const passed =
      kept === null && suffix === '' && file.hash !== null ? this.#files.keeping(source, file.hash) : source;
    await pipeline(passed, response);
  }

  #tell(sentence: string): void {
    if (this.#told.has(sentence) || this.#told.size > 100) return;
    this.#told.add(sentence);
    this.#onProblem(sentence);
  }
}

async function* bounded(body: Readable, filename: string): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of body) {
    if (!Buffer.isBuffer(chunk)) continue;
    bytes += chunk.length;
    if (bytes > fileBytesAtMost) throw new Error(`${filename} is larger than ${fileBytesAtMost} bytes`);
    yield chunk;
  }
}

function say(response: ServerResponse, status: number, sentence: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' });
  response.end(`${sentence}\n`);
}
