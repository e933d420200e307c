import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { crc32, gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { sha256OfBytes } from '../../contracts/digest.ts';

/** A file that the index offers. */
export interface IndexedFile {
  readonly filename: string;
  readonly bytes: Buffer;
}

export interface TestIndex {
  /** The index's URL in the form that administrators configure, `…/simple`. */
  readonly url: string;
  /** The URL of the npm registry on the same server. */
  readonly registry: string;
  readonly requests: readonly string[];
  /** Headers of the requests, in the order of `requests`. */
  readonly headers: readonly IncomingMessage['headers'][];
  close(): void;
}

export interface IndexOptions {
  /** `user:password` that every request must present. */
  readonly credentials?: string;
  /** Serves pages in PyPI's JSON format instead of HTML. Default: false. */
  readonly json?: boolean;
  /** Returns the address that pages give for a file, instead of the index's own. */
  readonly fileAddress?: (filename: string) => string;
}

/** Starts a pip package index under /simple and an npm registry under /npm, on a free port of this machine. */
export async function startPackageIndex(
  files: readonly IndexedFile[],
  { credentials, json = false, fileAddress }: IndexOptions = {},
): Promise<TestIndex> {
  const requests: string[] = [];
  const headers: IncomingMessage['headers'][] = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '');
    requests.push(path);
    headers.push(request.headers);
    const wanted = credentials === undefined ? undefined : `Basic ${Buffer.from(credentials).toString('base64')}`;
    if (wanted !== undefined && request.headers.authorization !== wanted) return response.writeHead(401).end();
    const [, root, name = ''] = path.split('/');
    const of = files.filter(({ filename }) => filename.toLowerCase().replaceAll('_', '-').startsWith(`${name}-`));
    const at = (filename: string): string => fileAddress?.(filename) ?? `/files/${filename}`;
    if (root === 'files') {
      const file = files.find(({ filename }) => filename === name);
      return file === undefined ? response.writeHead(404).end() : response.end(file.bytes);
    }
    if (of.length === 0) return response.writeHead(404).end();
    if (root === 'npm')
      return response.end(JSON.stringify(packumentOf(name, of, (filename) => new URL(at(filename), base).href)));
    if (json) {
      response.setHeader('content-type', 'application/vnd.pypi.simple.v1+json');
      const listed = of.map(({ filename, bytes }) => ({
        filename,
        url: at(filename),
        hashes: { sha256: sha256OfBytes(bytes) },
      }));
      return response.end(JSON.stringify({ meta: { 'api-version': '1.1' }, name, files: listed }));
    }
    response.setHeader('content-type', 'text/html');
    const links = of.map(
      ({ filename, bytes }) => `<a href="${at(filename)}#sha256=${sha256OfBytes(bytes)}">${filename}</a>`,
    );
    return response.end(`<!DOCTYPE html><html><body>${links.join('\n')}</body></html>`);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const base = `http://127.0.0.1:${address.port}`;
  return {
    url: `${base}/simple`,
    registry: `${base}/npm/`,
    requests,
    headers,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function packumentOf(name: string, files: readonly IndexedFile[], at: (filename: string) => string) {
  const versions = files.map(({ filename, bytes }) => {
    const version = filename.slice(name.length + 1).replace('.tgz', '');
    return [version, { name, version, dist: { tarball: at(filename), integrity: integrityOf(bytes) } }] as const;
  });
  return { name, 'dist-tags': { latest: versions.at(-1)?.[0] }, versions: Object.fromEntries(versions) };
}

export function integrityOf(bytes: Buffer): string {
  return `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
}

/** Makes a `.tar.gz` of these files: a source distribution, or an npm package. */
export async function tarball(filename: string, files: Readonly<Record<string, string>>): Promise<IndexedFile> {
  const tar = pack();
  for (const [name, text] of Object.entries(files)) tar.entry({ name }, text);
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) if (chunk instanceof Uint8Array) chunks.push(Buffer.from(chunk));
  return { filename, bytes: gzipSync(Buffer.concat(chunks)) };
}

/** Makes a wheel of these files for every Python version, as a zip with uncompressed entries. */
export function wheel(name: string, version: string, files: Readonly<Record<string, string>>): IndexedFile {
  const info = `${name}-${version}.dist-info/`;
  const all = {
    ...files,
    [`${info}METADATA`]: `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n`,
    [`${info}WHEEL`]: 'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
  };
  const record = [...Object.keys(all), `${info}RECORD`].map((path) => `${path},,\n`).join('');
  return { filename: `${name}-${version}-py3-none-any.whl`, bytes: zipOf({ ...all, [`${info}RECORD`]: record }) };
}

function zipOf(files: Readonly<Record<string, string>>): Buffer {
  const entries: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [path, text] of Object.entries(files)) {
    const [name, bytes] = [Buffer.from(path), Buffer.from(text)];
    const facts = Buffer.alloc(26);
    facts.writeUInt16LE(20, 0);
    facts.writeUInt16LE(0x21, 8);
    facts.writeUInt32LE(crc32(bytes), 10);
    facts.writeUInt32LE(bytes.length, 14);
    facts.writeUInt32LE(bytes.length, 18);
    facts.writeUInt16LE(name.length, 22);
    entries.push(Buffer.from('PK\u0003\u0004'), facts, name, bytes);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(0o100644 * 2 ** 16, 6);
    rest.writeUInt32LE(offset, 10);
    directory.push(Buffer.from('PK\u0001\u0002'), Buffer.from([20, 3]), facts, rest, name);
    offset += 4 + facts.length + name.length + bytes.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  const count = Object.keys(files).length;
  end.writeUInt16LE(count, 4);
  end.writeUInt16LE(count, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...entries, central, Buffer.from('PK\u0005\u0006'), end]);
}
