import { spawn } from 'node:child_process';
import { PerennialError, reasonOf } from '../../contracts/errors.ts';

export interface GitLimits {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

const outputAtMost = 16 * 2 ** 20;
const saidAtMost = 4_000;

/**
 * Nothing of this machine or of whoever started the worker: no configuration, prompts, helpers, hooks or templates,
 * and no transport but those that are named.
 */
export function gitEnvironment(home: string, protocols: readonly string[]): Record<string, string> {
  return {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    HOME: home,
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '/bin/false',
    SSH_ASKPASS: '/bin/false',
    GIT_ALLOW_PROTOCOL: protocols.join(':'),
    GIT_LITERAL_PATHSPECS: '1',
    GIT_LFS_SKIP_SMUDGE: '1',
    GIT_ADVICE: '0',
  };
}

/** Configuration by the environment, as command lines can be read by every user of a machine. */
export function withConfiguration(
  environment: Readonly<Record<string, string>>,
  settings: readonly (readonly [string, string])[],
): Record<string, string> {
  const entries = settings.flatMap(([key, value], at): (readonly [string, string])[] => [
    [`GIT_CONFIG_KEY_${at}`, key],
    [`GIT_CONFIG_VALUE_${at}`, value],
  ]);
  return { ...environment, ...Object.fromEntries(entries), GIT_CONFIG_COUNT: String(settings.length) };
}

export class GitFailure extends Error {
  readonly said: string;
  constructor(said: string) {
    super(said);
    this.said = said;
  }
}

/** Standard output. The process and what it starts are a group of their own, which is killed as one. */
export async function runGit(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  { timeoutMs, signal }: GitLimits,
): Promise<Buffer> {
  signal.throwIfAborted();
  const child = spawn('git', args, { env: environment, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let stopped: Error | undefined;
  const stop = (reason: Error) => {
    stopped ??= reason;
    if (child.pid !== undefined) killGroup(child.pid);
  };
  const late = setTimeout(() => stop(new GitFailure(`it took longer than ${timeoutMs / 1000} s`)), timeoutMs);
  const onAbort = () => stop(new Error('aborted'));
  signal.addEventListener('abort', onAbort, { once: true });
  const output: Buffer[] = [];
  let size = 0;
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > outputAtMost) stop(new PerennialError('too-large', 'git lists more than 16 MiB; name a smaller path'));
    else output.push(chunk);
  });
  child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-saidAtMost)));
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    signal.throwIfAborted();
    if (stopped !== undefined) throw stopped;
    if (code !== 0) throw new GitFailure(lastLines(said) || `git ended with ${code}`);
    return Buffer.concat(output);
  } catch (caught) {
    if (caught instanceof Error && 'code' in caught && caught.code === 'ENOENT')
      throw new PerennialError(
        'source-unavailable',
        `git cannot be started on this worker: ${reasonOf(caught)}; install it`,
      );
    throw caught;
  } finally {
    clearTimeout(late);
    signal.removeEventListener('abort', onAbort);
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}

function lastLines(said: string): string {
  return said.trim().split('\n').slice(-3).join('; ');
}
