import { PerennialError } from '../../contracts/errors.ts';
import { runSupervised } from './run-supervised.ts';
import type { ScriptLog } from './script-log.ts';

const stepTimeoutMs = 30 * 60_000;

/** What programs that make environments run with. */
export interface ToolRun {
  readonly tools: Readonly<Record<string, string>>;
  readonly log: ScriptLog;
  readonly signal: AbortSignal;
}

export interface ToolStep {
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  /** The way out, as the message ends. */
  readonly remedy: string;
}

/** Runs one step of making an environment to its good end. `environment-failed`, `cancelled` */
export async function runTool({ tools, log, signal }: ToolRun, step: ToolStep): Promise<void> {
  const { name, file, args, cwd = '/', remedy } = step;
  const ending = await runSupervised({
    file,
    args,
    cwd,
    env: tools,
    timeoutMs: stepTimeoutMs,
    signal,
    onOutput: log.write,
  });
  log.end();
  if (ending.kind === 'exited' && ending.exitCode === 0) return;
  if (ending.kind === 'aborted')
    throw new PerennialError('cancelled', 'making the training environment was cancelled', {});
  const how =
    ending.kind === 'timeout'
      ? `did not end within ${stepTimeoutMs / 60_000} minutes`
      : ending.kind === 'not-started'
        ? `did not start (${ending.reason})`
        : ending.kind === 'exited'
          ? `ended with code ${ending.exitCode}`
          : 'was stopped';
  const { lastLines } = log;
  throw new PerennialError(
    'environment-failed',
    `the training environment cannot be made from its lock: ${name} ${how}: ${lastLines.slice(-3).join(' | ')}. Way out: ${remedy}`,
    { lastLines },
  );
}
