import { PerennialError } from '../../contracts/errors.ts';
import { defaultMemoryBytes } from '../sandbox/look-around.ts';
import type { Breach, Ending, Limits, Mount, Network, Sandbox } from '../sandbox/sandbox.ts';
import type { ScriptLog } from '../sandbox/script-log.ts';
import { withoutProxyAddresses } from './indexes/index-proxy.ts';

const minuteMs = 60_000;

/** Limits of one step. Large packages with GPU libraries take 10 GiB and tens of thousands of files. */
export interface ToolLimits {
  readonly timeoutMs: number;
  readonly diskBytes: number;
  /** Default: half of the machine's memory. */
  readonly memoryBytes?: number | undefined;
}

function limitsOf({ timeoutMs, diskBytes, memoryBytes = defaultMemoryBytes() }: ToolLimits): Limits {
  return { timeoutMs, diskBytes, memoryBytes, processes: 500, files: 1_000_000 };
}

/** What all steps of making one environment share. */
export interface ToolRun {
  readonly sandbox: Sandbox;
  readonly limits: ToolLimits;
  readonly log: ScriptLog;
  readonly signal: AbortSignal;
}

export interface ToolStep {
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  /** Home and temporary folder of the step. It must lie below a writable mount. */
  readonly scratch: string;
  readonly path: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly mounts: readonly Mount[];
  readonly network: Network;
  /** Advice for the user, which ends the error message. */
  readonly remedy: string;
}

/**
 * Runs one step of making an environment. Throws `environment-failed` if the step fails, and `cancelled` if it is
 * aborted.
 */
export async function runTool({ sandbox, limits, log, signal }: ToolRun, step: ToolStep): Promise<void> {
  const { name, file, args, scratch, path, mounts, network, remedy } = step;
  const env = { PATH: path, HOME: scratch, TMPDIR: scratch, LANG: 'C.UTF-8', ...step.env };
  const ending = await sandbox.run(
    { title: name, file, args, cwd: scratch, env, mounts, network, limits: limitsOf(limits), signal },
    log.write,
  );
  log.end();
  if (ending.kind === 'exited' && ending.exitCode === 0) return;
  if (ending.kind === 'aborted')
    throw new PerennialError('cancelled', 'the training environment was not made, because the run was cancelled', {});
  const lastLines = log.lastLines.map(withoutProxyAddresses);
  throw new PerennialError(
    'environment-failed',
    `the training environment cannot be created from its lock file: ${name} ${howItEnded(ending, limits, lastLines)}: ${lastLines.slice(-3).join(' | ')}. Way out: ${remedy}`,
    { lastLines },
  );
}

/**
 * Messages of pip, uv, npm and compilers when the system refuses them memory or a larger file. This can happen before
 * the limit watcher notices.
 */
const lacksMemory = /MemoryError|cannot allocate memory|out of memory|memory allocation of|bad_alloc/i;
const lacksDisk = /file too large|EFBIG|file size limit exceeded/i;
const killed = 137;

function howItEnded(
  ending: Exclude<Ending, { kind: 'aborted' }>,
  limits: ToolLimits,
  lastLines: readonly string[],
): string {
  switch (ending.kind) {
    case 'timeout':
      return `did not end within ${limits.timeoutMs / minuteMs} minutes (PERENNIAL_INSTALL_TIMEOUT on the workers)`;
    case 'not-started':
      return `did not start (${ending.reason})`;
    case 'over-limit':
      return `was stopped, because it ${excess(ending.breach)}`;
    case 'exited':
      return `ended with code ${ending.exitCode}${likelyCause(ending.exitCode, lastLines)}`;
  }
}

function likelyCause(exitCode: number, lastLines: readonly string[]): string {
  if (exitCode === killed || lastLines.some((line) => lacksMemory.test(line)))
    return ', most likely because it ran out of memory (PERENNIAL_INSTALL_MEMORY on the workers)';
  return lastLines.some((line) => lacksDisk.test(line))
    ? ', because a file was too large (PERENNIAL_INSTALL_DISK on the workers)'
    : '';
}

function excess({ what, limit }: Breach): string {
  switch (what) {
    case 'memory':
      return `took more than ${limit} bytes of memory (PERENNIAL_INSTALL_MEMORY on the workers)`;
    case 'processes':
      return `had more than ${limit} processes at once`;
    case 'disk':
      return `wrote more than ${limit} bytes (PERENNIAL_INSTALL_DISK on the workers)`;
    case 'files':
      return `wrote more than ${limit} files`;
  }
}
