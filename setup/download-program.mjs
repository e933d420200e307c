// A program out of a release archive, or undefined where that cannot be had soon: a caller has another way.
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { runProgram } from './run-program.mjs';

/** Until the answer begins, and then between one piece of it and the next. */
const silenceMs = 4_000;
const limitBytes = 400 * 2 ** 20;
/** One that drips would take longer than building it. */
const slowestBytesPerSecond = 100 * 2 ** 10;
const judgedAfterMs = 15_000;

/**
 * Fetches `url`, checks it against `sha256` if that is known, and takes `file` out of the archive to `target`. Answers
 * the reason if it cannot: no route, no such release, silence for four seconds, other bytes than expected.
 */
export async function downloadProgram({ url, sha256, file, target, progress }) {
  const folder = await mkdtemp(join(tmpdir(), 'perennial-download-'));
  try {
    const archive = join(folder, 'archive.tar.gz');
    const digest = await fetchTo(url, archive, progress);
    if (sha256 !== undefined && digest !== sha256) return { failed: `${url} has the SHA-256 ${digest}, not ${sha256}` };
    await runProgram('tar', ['-xzf', archive, '-C', folder, file]);
    await chmod(join(folder, file), 0o755);
    await moveInto(join(folder, file), target);
    return { path: target };
  } catch (caught) {
    return { failed: `${url}: ${reasonOf(caught)}` };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function fetchTo(url, path, progress) {
  const silent = new AbortController();
  const silence = new Error(`no answer within ${silenceMs / 1000} s`);
  let timer = setTimeout(() => silent.abort(silence), silenceMs);
  const hash = createHash('sha256');
  const begun = Date.now();
  let bytes = 0;
  try {
    const answer = await fetch(url, { signal: silent.signal });
    if (!answer.ok || answer.body === null) throw new Error(`HTTP ${answer.status}`);
    const watch = new Transform({
      transform(chunk, _encoding, done) {
        clearTimeout(timer);
        timer = setTimeout(() => silent.abort(silence), silenceMs);
        bytes += chunk.length;
        hash.update(chunk);
        progress(`${Math.round(bytes / 2 ** 20)} MiB`);
        done(complaintAbout(bytes, Date.now() - begun), chunk);
      },
    });
    await pipeline(Readable.fromWeb(answer.body), watch, createWriteStream(path), { signal: silent.signal });
    return hash.digest('hex');
  } catch (caught) {
    throw silent.signal.aborted ? silence : caught;
  } finally {
    clearTimeout(timer);
  }
}

function complaintAbout(bytes, milliseconds) {
  if (bytes > limitBytes) return new Error('larger than any release of it');
  const tooSlow = milliseconds > judgedAfterMs && bytes / (milliseconds / 1000) < slowestBytesPerSecond;
  return tooSlow ? new Error(`slower than ${slowestBytesPerSecond / 2 ** 10} KiB a second`) : null;
}

/** The last step is a rename within one file system, so that what is at `target` is always whole. */
export async function moveInto(source, target) {
  await mkdir(dirname(target), { recursive: true });
  const draft = `${target}.${process.pid}.draft`;
  try {
    await copyFile(source, draft);
    await rename(draft, target);
  } finally {
    await rm(draft, { force: true });
  }
}

function reasonOf(caught) {
  const cause = caught.cause?.message ?? caught.cause?.code;
  return cause === undefined ? caught.message : `${caught.message} (${cause})`;
}
