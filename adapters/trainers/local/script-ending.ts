import { PerennialError } from '../../../contracts/errors.ts';
import type { CheckJob, CheckResult, ScriptJob } from '../../../contracts/models/training-job.ts';
import type { Breach, Ending } from '../../sandbox/sandbox.ts';

export function trainingFailure(ending: Ending, job: ScriptJob, lastLines: readonly string[]): PerennialError {
  switch (ending.kind) {
    case 'aborted':
      return new PerennialError('cancelled', 'the training was cancelled and its processes were stopped', {});
    case 'timeout':
      return new PerennialError(
        'training-timeout',
        `the training command ran past its time limit of ${job.limits.timeoutMs / 1000} s and was stopped; raise build.timeout, or train on less data`,
        { timeoutMs: job.limits.timeoutMs, lastLines },
      );
    case 'over-limit':
      return new PerennialError(
        'training-limit',
        `the training command ${saidOf(ending.breach)} and was stopped; raise build.resources.${ending.breach.what}, or make the command use less`,
        { ...ending.breach, lastLines },
      );
    case 'not-started':
      return new PerennialError(
        'training-failed',
        `the training command could not be started: ${ending.reason}; check code.command`,
        { exitCode: 127, lastLines },
      );
    case 'exited': {
      const last = lastLines.at(-1);
      const said = last === undefined ? 'it printed nothing' : `its last line: ${last}`;
      return new PerennialError(
        'training-failed',
        `the training command ended with code ${ending.exitCode}; ${said}${hintOf(ending.exitCode, lastLines, job)}`,
        { exitCode: ending.exitCode, lastLines },
      );
    }
  }
}

export function checkResultOf(ending: Ending, job: CheckJob, lastLines: readonly string[]): CheckResult {
  switch (ending.kind) {
    case 'exited':
      return { kind: 'exited', exitCode: ending.exitCode, lastLines: [...lastLines] };
    case 'aborted':
      throw trainingFailure(ending, job, lastLines);
    case 'timeout':
      return {
        kind: 'stopped',
        reason: `it ran past its time limit of ${job.limits.timeoutMs / 1000} s and was stopped; raise the timeout of the gate`,
      };
    case 'over-limit':
      return {
        kind: 'stopped',
        reason: `it ${saidOf(ending.breach)} and was stopped; raise build.resources.${ending.breach.what}`,
      };
    case 'not-started':
      return { kind: 'stopped', reason: `it could not be started: ${ending.reason}` };
  }
}

function saidOf({ what, found, limit }: Breach): string {
  switch (what) {
    case 'processes':
      return `had ${found} processes at once, more than the limit of ${limit},`;
    case 'memory':
      return `needed more than ${limit} bytes of memory`;
    case 'files':
      return `had more than ${limit} files in its output and temporary folders`;
    case 'disk':
      return `had ${found} bytes in its output and temporary folders, more than the limit of ${limit} bytes,`;
  }
}

const killedBySignal9 = 137;

/**
 * Returns a hint on the cause. Limits that the system enforces appear as failures of the script, before the watch sees
 * a breach.
 */
function hintOf(exitCode: number, lastLines: readonly string[], job: ScriptJob): string {
  if (lastLines.some((line) => /File too large|EFBIG|File size limit exceeded/i.test(line)))
    return '; a single file may be at most twice as large as build.resources.disk';
  const looksLike =
    exitCode === killedBySignal9 ||
    lastLines.some((line) =>
      /MemoryError|bad_alloc|Cannot allocate memory|Unable to allocate|out of memory/i.test(line),
    );
  if (!looksLike) return '';
  return job.limits.memoryBytes === null
    ? '; it may need more than half of this machine’s memory, which is the limit unless build.resources.memory is set'
    : '; it may need more memory than build.resources.memory allows';
}
