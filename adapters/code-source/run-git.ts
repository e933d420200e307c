import { PerennialError } from '../../contracts/errors.ts';
import type { Breach, Ending, Mount, Network, OnOutput, Sandbox, SandboxedCommand } from '../sandbox/sandbox.ts';

export interface GitCall {
  /** Address of the repository, for messages. */
  readonly url: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly mounts: readonly Mount[];
  readonly network: Network;
  readonly timeoutMs: number;
  readonly memoryBytes: number;
  /** Most bytes that the process may write in total. */
  readonly diskBytes: number;
  readonly filesAtMost: number;
  readonly signal: AbortSignal;
}

const outputAtMost = 16 * 2 ** 20;
const saidAtMost = 4_000;
/**
 * Messages of git when the system refuses it memory or a larger file. This can happen before the limit watcher notices.
 */
const lacksMemory = /out of memory|cannot allocate memory|memory exhausted/i;
const lacksDisk = /file too large|file size limit exceeded/i;
/** Settings that raise each limit. There is none for processes, because no real fetch needs as many. */
const raisedBy: Partial<Record<Breach['what'], string>> = {
  memory: 'PERENNIAL_GIT_MEMORY',
  disk: 'PERENNIAL_GIT_DISK',
  files: 'PERENNIAL_CODE_FILES',
};
/** Threads count as processes. */
const processesAtMost = 256;

/**
 * Returns git's environment variables. They disable the configuration, prompts, helpers, hooks and templates of this
 * machine and its user, and allow only the named transports.
 */
export function gitEnvironment(home: string, protocols: readonly string[]): Record<string, string> {
  return {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    HOME: home,
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '/bin/false',
    SSH_ASKPASS: '/bin/false',
    GIT_ALLOW_PROTOCOL: protocols.join(':'),
    GIT_LITERAL_PATHSPECS: '1',
    GIT_LFS_SKIP_SMUDGE: '1',
    GIT_ADVICE: '0',
  };
}

/** Passes git configuration in environment variables, because every user of a machine can read command lines. */
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

/**
 * Runs git and returns its standard output. Throws `GitFailure` if git reports an error, `too-large` or `limit-reached`
 * past a limit, and `source-unavailable` if git cannot be started.
 */
export async function runGit(sandbox: Sandbox, call: GitCall): Promise<Buffer> {
  const { url, args, environment, cwd, mounts, network, signal } = call;
  const { timeoutMs, memoryBytes, diskBytes, filesAtMost } = call;
  signal.throwIfAborted();
  const tooMuch = new AbortController();
  const output: Buffer[] = [];
  let size = 0;
  let said = '';
  const ending = await runToItsEnd(
    sandbox,
    {
      title: 'git',
      file: 'git',
      args,
      cwd,
      env: environment,
      mounts,
      network,
      limits: {
        timeoutMs,
        memoryBytes,
        processes: processesAtMost,
        diskBytes,
        files: filesAtMost,
      },
      signal: AbortSignal.any([signal, tooMuch.signal]),
    },
    (stream, chunk) => {
      if (stream === 'stderr') {
        said = (said + chunk.toString()).slice(-saidAtMost);
        return;
      }
      size += chunk.length;
      if (size <= outputAtMost) output.push(chunk);
      else tooMuch.abort();
    },
  );
  signal.throwIfAborted();
  if (size > outputAtMost)
    throw new PerennialError('too-large', `the output of git for ${url} exceeds 16 MiB; choose a smaller path`);
  refuseUnlessDone(ending, said, call);
  return Buffer.concat(output);
}

/**
 * Runs a command to its end. A command with a network runs under the supervisor, which watches its limits while it
 * writes. The other commands only process what was fetched, so their size is bounded, and there are several per fetch.
 * They start without a supervisor, in a tenth of the time.
 */
async function runToItsEnd(sandbox: Sandbox, command: SandboxedCommand, onOutput: OnOutput): Promise<Ending> {
  if (command.network.kind !== 'none') return sandbox.run(command, onOutput);
  const running = await sandbox.open(command);
  running.stdin.end();
  running.stdout.on('data', (chunk: Buffer) => onOutput('stdout', chunk));
  running.stderr.on('data', (chunk: Buffer) => onOutput('stderr', chunk));
  return running.ended;
}

function refuseUnlessDone(ending: Ending, said: string, call: GitCall): void {
  const { url, timeoutMs, memoryBytes, diskBytes } = call;
  if (ending.kind === 'exited' && ending.exitCode === 0) return;
  if (ending.kind === 'exited' && lacksMemory.test(said))
    throw overLimit(url, { what: 'memory', found: memoryBytes, limit: memoryBytes });
  if (ending.kind === 'exited' && lacksDisk.test(said))
    throw overLimit(url, { what: 'disk', found: 2 * diskBytes, limit: diskBytes });
  if (ending.kind === 'exited') throw new GitFailure(lastLines(said) || `git ended with code ${ending.exitCode}`);
  if (ending.kind === 'timeout')
    throw new PerennialError(
      'limit-reached',
      `git was stopped while it fetched ${url}: it took longer than ${timeoutMs / 1000} s; raise PERENNIAL_GIT_TIMEOUT on the workers, or use a smaller repository`,
      { url, what: 'time', limit: timeoutMs },
    );
  if (ending.kind === 'not-started')
    throw new PerennialError(
      'source-unavailable',
      `git cannot be started on this worker: ${ending.reason}; install git`,
    );
  if (ending.kind === 'over-limit') throw overLimit(url, ending.breach);
  throw new GitFailure('git was stopped');
}

function overLimit(url: string, { what, found, limit }: Breach): PerennialError {
  const setting = raisedBy[what];
  const raise = setting === undefined ? '' : `, or raise ${setting} on the workers`;
  return new PerennialError(
    'too-large',
    `git was stopped while it fetched ${url}: ${what} reached ${found}, and the limit is ${limit}; use a smaller repository or commit${raise}`,
    { url, what, found, limit },
  );
}

function lastLines(said: string): string {
  return said.trim().split('\n').slice(-3).join('; ');
}
