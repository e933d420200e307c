import { basename } from 'node:path';
import { PerennialError } from '../../../contracts/errors.ts';
import type { CheckJob, CheckResult, ScriptJob, TrainingJob, TrainingResult } from '../../../ports/trainer.ts';
import { defaultMemoryBytes } from '../../sandbox/look-around.ts';
import type { Breach, Ending, Limits, SandboxedCommand } from '../../sandbox/sandbox.ts';
import { ScriptLog } from '../../sandbox/script-log.ts';
import { collectOutput } from './collect-output.ts';
import type { TrainingMachine } from './launch.ts';
import { prepareFolders, prepareLaunch } from './launch.ts';
import type { GivenFile, ScriptPaths } from './script-environment.ts';

/** Runs the command of one attempt to its end and takes what it wrote. */
export async function train(job: TrainingJob, machine: TrainingMachine): Promise<TrainingResult> {
  const given = [
    { variable: 'PERENNIAL_TRAIN', name: 'train.parquet', path: job.trainPath },
    ...(job.validationPath === null
      ? []
      : [{ variable: 'PERENNIAL_VALIDATION', name: 'validation.parquet', path: job.validationPath }]),
  ];
  const { ending, outside, log } = await runScript(job, machine, given);
  if (ending.kind !== 'exited' || ending.exitCode !== 0) throw failureOf(ending, job, log.lastLines);
  return collectOutput(outside.output, log.system);
}

/** Runs a script whose exit code is the answer; nothing that it writes is kept. */
export async function runCheck(job: CheckJob, machine: TrainingMachine): Promise<CheckResult> {
  const given = job.given.map((file) => ({ ...file, name: basename(file.path) }));
  const { ending, log } = await runScript(job, machine, given);
  const { lastLines } = log;
  switch (ending.kind) {
    case 'exited':
      return { kind: 'exited', exitCode: ending.exitCode, lastLines };
    case 'aborted':
      throw failureOf(ending, job, lastLines);
    case 'timeout':
      return {
        kind: 'stopped',
        reason: `it ran past its time limit of ${job.timeoutMs / 1000} s and was stopped; raise the gate’s timeout`,
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

async function runScript(
  job: ScriptJob,
  machine: TrainingMachine,
  given: readonly GivenFile[],
): Promise<{ readonly ending: Ending; readonly outside: ScriptPaths; readonly log: ScriptLog }> {
  const outside = await prepareFolders(job, given);
  const log = new ScriptLog(job.onLog, job.onProgress);
  const { warning, ...launch } = await prepareLaunch(job, machine, outside);
  if (warning !== null) log.system(warning);
  const command: SandboxedCommand = {
    ...launch,
    title: 'training',
    network: { kind: job.network ? 'public' : 'none' },
    limits: limitsOf(job),
    signal: job.signal,
  };
  const ending = await machine.sandbox.run(command, log.write);
  log.end();
  return { ending, outside, log };
}

/** Defaults are applied here, where the command starts: they depend on the machine, and are part of no digest. */
function limitsOf({ timeoutMs, memoryBytes, processesAtMost, diskBytesAtMost, filesAtMost }: ScriptJob): Limits {
  return {
    timeoutMs,
    memoryBytes: memoryBytes ?? defaultMemoryBytes(),
    processes: processesAtMost,
    diskBytes: diskBytesAtMost,
    files: filesAtMost,
  };
}

function failureOf(ending: Ending, job: ScriptJob, lastLines: readonly string[]): PerennialError {
  switch (ending.kind) {
    case 'aborted':
      return new PerennialError('cancelled', 'the training was cancelled and its processes were stopped', {});
    case 'timeout':
      return new PerennialError(
        'training-timeout',
        `the training command ran past its time limit of ${job.timeoutMs / 1000} s and was stopped; raise build.timeout, or train on less`,
        { timeoutMs: job.timeoutMs, lastLines },
      );
    case 'over-limit':
      return new PerennialError(
        'training-limit',
        `the training command ${saidOf(ending.breach)} and was stopped; raise build.resources.${ending.breach.what}, or have it take less`,
        { ...ending.breach, lastLines },
      );
    case 'not-started':
      return new PerennialError(
        'training-failed',
        `the training command could not be started: ${ending.reason}; see code.command`,
        { exitCode: 127, lastLines },
      );
    case 'exited': {
      const last = lastLines.at(-1);
      const said = last === undefined ? 'it said nothing' : `its last line: ${last}`;
      return new PerennialError(
        'training-failed',
        `the training command ended with code ${ending.exitCode}; ${said}${hintOf(ending.exitCode, lastLines, job)}`,
        { exitCode: ending.exitCode, lastLines },
      );
    }
  }
}

function saidOf({ what, found, limit }: Breach): string {
  switch (what) {
    case 'processes':
      return `had ${found} processes at once, more than ${limit},`;
    case 'memory':
      return `wanted more memory than ${limit} bytes`;
    case 'files':
      return `held more than ${limit} files in its output and temporary folders`;
    case 'disk':
      return `held ${found} bytes in its output and temporary folders, more than ${limit} bytes,`;
  }
}

const killedBySignal9 = 137;

/** Limits that the system itself enforces show as failures of the script, before the watch sees a breach. */
function hintOf(exitCode: number, lastLines: readonly string[], job: ScriptJob): string {
  if (lastLines.some((line) => /File too large|EFBIG|File size limit exceeded/i.test(line)))
    return '; one file may have twice the size of build.resources.disk at most';
  const looksLike =
    exitCode === killedBySignal9 ||
    lastLines.some((line) =>
      /MemoryError|bad_alloc|Cannot allocate memory|Unable to allocate|out of memory/i.test(line),
    );
  if (!looksLike) return '';
  return job.memoryBytes === null
    ? '; it may need more than half of this machine’s memory, which is what it gets unless build.resources.memory is set'
    : '; it may need more memory than build.resources.memory gives it';
}
