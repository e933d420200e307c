import { z } from 'zod';
import { normalisedPackageName } from '../../../contracts/code/requirement-grammar.ts';

// Reads and writes pages of a package index. It reads PEP 503 (HTML) and PEP 691 (JSON), and writes HTML, which every
// version of pip reads.

export interface PageFile {
  readonly filename: string;
  readonly url: URL;
  readonly sha256: string | null;
  readonly requiresPython: string | null;
  /** Reason why the file is yanked, which may be empty; null if it is not yanked. */
  readonly yanked: string | null;
  /** `true`, or the hash of the metadata file that lies beside the file; null if there is no metadata file. */
  readonly metadata: string | null;
}

const Hashes = z.record(z.string(), z.string());
const JsonPage = z.object({
  files: z.array(
    z.object({
      filename: z.string(),
      url: z.string(),
      hashes: Hashes.optional(),
      'requires-python': z.string().nullish(),
      yanked: z.union([z.boolean(), z.string()]).nullish(),
      'core-metadata': z.union([z.boolean(), Hashes]).nullish(),
      'dist-info-metadata': z.union([z.boolean(), Hashes]).nullish(),
    }),
  ),
});

const plainFilename = /^[A-Za-z0-9][A-Za-z0-9._+!-]{0,300}$/;
const hexOfSha256 = /^[0-9a-f]{64}$/;

export function parseSimplePage(body: string, contentType: string, base: URL): PageFile[] {
  return contentType.includes('json') ? filesOfJson(body, base) : filesOfHtml(body, base);
}

function filesOfJson(body: string, base: URL): PageFile[] {
  return JsonPage.parse(JSON.parse(body)).files.flatMap((file) => {
    const metadata = file['core-metadata'] ?? file['dist-info-metadata'] ?? false;
    return pageFile(file.url, base, {
      sha256: file.hashes?.sha256 ?? null,
      requiresPython: file['requires-python'] ?? null,
      yanked: typeof file.yanked === 'string' ? file.yanked : file.yanked === true ? '' : null,
      metadata: metadataText(metadata),
    });
  });
}

function metadataText(said: boolean | Readonly<Record<string, string>>): string | null {
  if (typeof said === 'boolean') return said ? 'true' : null;
  const { sha256 } = said;
  return sha256 !== undefined && hexOfSha256.test(sha256) ? `sha256=${sha256}` : 'true';
}

function filesOfHtml(body: string, page: URL): PageFile[] {
  const baseTag = /<base\s[^>]*>/i.exec(body)?.[0];
  const named = baseTag === undefined ? undefined : attributesOf(baseTag).get('href');
  const base = named !== undefined && URL.canParse(named, page) ? new URL(named, page) : page;
  return [...body.matchAll(/<a\s[^>]*>/gi)].flatMap(([tag]) => {
    const attributes = attributesOf(tag);
    const metadata = attributes.get('data-core-metadata') ?? attributes.get('data-dist-info-metadata');
    return pageFile(attributes.get('href') ?? '', base, {
      sha256: null,
      requiresPython: attributes.get('data-requires-python') ?? null,
      yanked: attributes.get('data-yanked') ?? null,
      metadata: metadata === undefined ? null : /^sha256=[0-9a-f]{64}$/.test(metadata) ? metadata : 'true',
    });
  });
}

function pageFile(
  href: string,
  base: URL,
  said: Pick<PageFile, 'sha256' | 'requiresPython' | 'yanked' | 'metadata'>,
): PageFile[] {
  if (href === '' || !URL.canParse(href, base)) return [];
  const url = new URL(href, base);
  const sha256 = said.sha256 ?? /(?:^#|&)sha256=([0-9a-f]{64})/.exec(url.hash)?.[1] ?? null;
  url.hash = '';
  const filename = decoded(url.pathname.split('/').at(-1) ?? '');
  if (!plainFilename.test(filename)) return [];
  return [{ ...said, filename, url, sha256: sha256 !== null && hexOfSha256.test(sha256) ? sha256 : null }];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}

function attributesOf(tag: string): ReadonlyMap<string, string> {
  const found = tag.matchAll(/([a-z][a-z0-9-]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"']+)))?/gi);
  return new Map(
    [...found].map(([, name = '', double, single, bare]) => [
      name.toLowerCase(),
      unescaped(double ?? single ?? bare ?? ''),
    ]),
  );
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescaped(text: string): string {
  return text.replaceAll(/&(?:#(\d{1,6})|#x([0-9a-f]{1,5})|([a-z]+));/gi, (whole, decimal, hex, name) => {
    if (typeof name === 'string') return entities[name.toLowerCase()] ?? whole;
    const code = typeof decimal === 'string' ? Number(decimal) : Number.parseInt(String(hex), 16);
    return code <= 0x10_ff_ff ? String.fromCodePoint(code) : whole;
  });
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** Writes a page. `addressOf` returns the address under which the proxy serves a file. */
export function writeSimplePage(files: readonly PageFile[], addressOf: (file: PageFile) => string): string {
  const lines = files.map((file) => {
    const hash = file.sha256 === null ? '' : `#sha256=${file.sha256}`;
    const attributes = [
      ['href', `${addressOf(file)}${hash}`],
      ['data-requires-python', file.requiresPython],
      ['data-yanked', file.yanked],
      ['data-core-metadata', file.metadata],
      ['data-dist-info-metadata', file.metadata],
    ].flatMap(([name, value]) => (value === null || value === undefined ? [] : [`${name}="${escaped(value)}"`]));
    return `<a ${attributes.join(' ')}>${escaped(file.filename)}</a><br>`;
  });
  return ['<!DOCTYPE html>', '<html><body>', ...lines, '</body></html>', ''].join('\n');
}

/** Returns whether a file in a list of many packages belongs to this package. */
export function isFileOf(filename: string, name: string): boolean {
  const stem = filename.replace(/\.(whl|zip|tar\.gz|tgz|tar\.bz2|tar\.xz)$/i, '');
  if (stem === filename) return false;
  const dashes = [...stem.matchAll(/-(?=[0-9])/g)].map(({ index }) => index);
  return dashes.some((at) => normalisedPackageName(stem.slice(0, at)) === name);
}
