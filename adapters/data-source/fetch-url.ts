import { open, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { PerennialError, reasonOf } from '../../contracts/errors.ts';
import { requestFollowing, type RequestSettings } from './request-following.ts';

export interface UrlSettings extends RequestSettings {
  readonly bytesAtMost: number;
  /** Pause before the second attempt, in milliseconds. Each further pause is twice as long, up to 5 s. */
  readonly firstPauseMs: number;
}

export interface FetchedUrl {
  readonly bytes: number;
  readonly etag: string | null;
  readonly contentType: string | null;
}

const triesWithoutProgress = 5;
const triesAtMost = 100;

/**
 * State of a download: the bytes that are stored, and how the server identifies the version of the file that they
 * belong to.
 */
interface Progress {
  bytes: number;
  etag: string | null;
  /**
   * Strong etag or date that identifies this version in a request for the rest; null if the download must start over.
   */
  validator: string | null;
  contentType: string | null;
}

/** Downloads to `path`. An interrupted download resumes if the server still has the same version of the file. */
export async function fetchUrl(
  url: URL,
  path: string,
  settings: UrlSettings,
  signal: AbortSignal,
): Promise<FetchedUrl> {
  const progress: Progress = { bytes: 0, etag: null, validator: null, contentType: null };
  let fruitless = 0;
  for (let tries = 1; ; tries += 1) {
    const before = progress.bytes;
    try {
      await attempt(url, path, progress, settings, signal);
      return { bytes: progress.bytes, etag: progress.etag, contentType: progress.contentType };
    } catch (caught) {
      signal.throwIfAborted();
      if (caught instanceof PerennialError) {
        await rm(path, { force: true });
        throw caught;
      }
      fruitless = progress.bytes > before ? 1 : fruitless + 1;
      if (fruitless >= triesWithoutProgress || tries >= triesAtMost) throw unavailable(url, reasonOf(caught), tries);
      await pause(Math.min(settings.firstPauseMs * 2 ** (fruitless - 1), 5_000), undefined, { signal });
    }
  }
}

async function attempt(
  url: URL,
  path: string,
  progress: Progress,
  settings: UrlSettings,
  signal: AbortSignal,
): Promise<void> {
  const { bytes, validator } = progress;
  const resuming = bytes > 0 && validator !== null;
  const headers: Record<string, string> = resuming ? { range: `bytes=${bytes}-`, 'if-range': validator } : {};
  const response = await requestFollowing(url, headers, settings, signal);
  const status = response.statusCode ?? 0;
  if (status !== 200 && !(status === 206 && resuming && beginsAt(response, bytes))) {
    response.destroy();
    progress.bytes = 0;
    progress.validator = null;
    if (status >= 400 && status < 500 && ![408, 416, 425, 429].includes(status)) throw answered(url, status);
    throw new Error(`the server answers with status ${status}`);
  }
  if (status === 200) Object.assign(progress, stateOf(response), { bytes: 0 });
  // Written chunk by chunk, so that `progress.bytes` is the file's true size when the response breaks off.
  const file = await open(path, progress.bytes === 0 ? 'w' : 'r+');
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      if (progress.bytes + chunk.length > settings.bytesAtMost) throw tooLarge(url, settings.bytesAtMost);
      await file.write(chunk, 0, chunk.length, progress.bytes);
      progress.bytes += chunk.length;
    }
  } finally {
    await file.close();
  }
}

function stateOf(response: IncomingMessage): Omit<Progress, 'bytes'> {
  const etag = response.headers.etag ?? null;
  const strong = etag !== null && !etag.startsWith('W/');
  return {
    etag,
    validator: strong ? etag : (response.headers['last-modified'] ?? null),
    contentType: response.headers['content-type'] ?? null,
  };
}

function beginsAt(response: IncomingMessage, bytes: number): boolean {
  return response.headers['content-range']?.startsWith(`bytes ${bytes}-`) === true;
}

function answered(url: URL, status: number): PerennialError {
  return new PerennialError(
    'source-unavailable',
    `${withoutQuery(url)} answers with status ${status}; check the address, and check that it can be read without signing in`,
    { url: withoutQuery(url), status },
  );
}

function tooLarge(url: URL, limit: number): PerennialError {
  return new PerennialError(
    'too-large',
    `${withoutQuery(url)} is larger than ${limit} bytes; split the file, or raise PERENNIAL_FETCH_SIZE on the workers`,
    {
      url: withoutQuery(url),
      limit,
    },
  );
}

function unavailable(url: URL, reason: string, tries: number): PerennialError {
  return new PerennialError(
    'source-unavailable',
    `${withoutQuery(url)} could not be fetched in ${tries} attempts: ${reason}; check that the server is running, then start the run again`,
    { url: withoutQuery(url), tries },
  );
}

/** Returns the address without its query, which may hold a signature, for messages and records. */
export function withoutQuery(url: URL): string {
  return `${url.origin}${url.pathname}`;
}
