// Downloads a program from a release archive. Gives up early, because the caller has other ways to get the program.
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { hasProxy, withoutCredentials, withProxies } from './proxies.mjs';
import { runProgram } from './run-program.mjs';

/** Longest silence before the response starts, and between two chunks of it. */
const silenceMs = 4_000;
const limitBytes = 400 * 2 ** 20;
/** A slower download is given up, because there are other ways to get the program. */
const slowestBytesPerSecond = 100 * 2 ** 10;
const judgedAfterMs = 15_000;

/**
 * Fetches the archive at `url`, extracts the program `file`, checks the program's SHA-256 if it is known, and puts it
 * at `target`. Returns where the program came from, or the reason for the failure: no route, no such release, silence
 * for four seconds, or a wrong digest.
 */
export async function downloadProgram({ url, sha256, file, target, env = process.env, progress }) {
  const folder = await mkdtemp(join(tmpdir(), 'perennial-download-'));
  try {
    const archive = join(folder, 'archive.tar.gz');
    // Node's own fetch ignores proxies, or uses them for this machine too, so curl is used if there is a proxy.
    await (hasProxy(env) ? fetchByCurl(url, archive, env) : fetchTo(url, archive, progress));
    await runProgram('tar', ['-xzf', archive, '-C', folder, file]);
    const program = join(folder, file);
    const digest = await digestOf(program);
    if (sha256 !== undefined && digest !== sha256)
      return { failed: `${file} in ${url} has the SHA-256 ${digest} instead of ${sha256}` };
    await chmod(program, 0o755);
    await moveInto(program, target);
    return { from: url };
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
        progress(`${Math.round(bytes / 2 ** 20)} MiB`);
        done(complaintAbout(bytes, Date.now() - begun), chunk);
      },
    });
    await pipeline(Readable.fromWeb(answer.body), watch, createWriteStream(path), { signal: silent.signal });
  } catch (caught) {
    throw silent.signal.aborted ? silence : caught;
  } finally {
    clearTimeout(timer);
  }
}

async function fetchByCurl(url, path, env) {
  const limits = ['--connect-timeout', silenceMs / 1000, '--max-filesize', limitBytes];
  const slowest = ['--speed-limit', slowestBytesPerSecond, '--speed-time', judgedAfterMs / 1000];
  const args = ['--fail', '--silent', '--show-error', '--location', ...limits, ...slowest, '--output', path, url];
  await runProgram('curl', args.map(String), { env: withProxies(env) }).catch((caught) => {
    throw new Error(withoutCredentials(caught.message.split('\n').at(-1)));
  });
}

async function digestOf(path) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

function complaintAbout(bytes, milliseconds) {
  if (bytes > limitBytes) return new Error(`larger than ${limitBytes / 2 ** 20} MiB, which is more than any release`);
  const tooSlow = milliseconds > judgedAfterMs && bytes / (milliseconds / 1000) < slowestBytesPerSecond;
  return tooSlow ? new Error(`slower than ${slowestBytesPerSecond / 2 ** 10} KiB per second`) : null;
}

/** Moves a file. The last step is a rename within one file system, so that the file at `target` is always complete. */
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
