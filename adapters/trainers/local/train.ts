import type {
  CheckJob,
  CheckResult,
  JobFile,
  JobLimits,
  ScriptJob,
  TrainingJob,
  TrainingResult,
} from '../../../contracts/models/training-job.ts';
import type { TrainerCall } from '../../../ports/trainer.ts';
import { defaultMemoryBytes } from '../../sandbox/look-around.ts';
import type { Ending, Limits, SandboxedCommand } from '../../sandbox/sandbox.ts';
import { ScriptLog } from '../../sandbox/script-log.ts';
import type { Attempt, JobParts } from './attempt.ts';
import { fetchGiven, withAttempt } from './attempt.ts';
import { collectOutput } from './collect-output.ts';
import type { TrainingMachine } from './launch.ts';
import { prepareFolders, prepareLaunch } from './launch.ts';
import { checkResultOf, trainingFailure } from './script-ending.ts';
import type { GivenFile, ScriptPaths } from './script-environment.ts';
import { storeOutput } from './store-output.ts';

/** This machine, with what jobs read from and write to. */
export interface LocalMachine extends JobParts, TrainingMachine {}

/** Runs the command of one attempt to its end and stores what it wrote. */
export function train(job: TrainingJob, call: TrainerCall, machine: LocalMachine): Promise<TrainingResult> {
  return withAttempt(machine, job, call, async (attempt) => {
    const given = await fetchGiven(machine, rowFiles(job), attempt);
    const { ending, outside, log } = await runScript(job, call, { attempt, given, machine });
    if (ending.kind !== 'exited' || ending.exitCode !== 0) throw trainingFailure(ending, job, log.lastLines);
    return storeOutput(machine.objectStore, await collectOutput(outside.output, log.system));
  });
}

function rowFiles({ rows: { train: sha256, validation } }: TrainingJob): JobFile[] {
  const files = [{ variable: 'PERENNIAL_TRAIN', name: 'train.parquet', sha256 }];
  if (validation !== null)
    files.push({ variable: 'PERENNIAL_VALIDATION', name: 'validation.parquet', sha256: validation });
  return files;
}

/** Runs a script whose exit code is the result. Nothing that it writes is kept. */
export function runCheck(job: CheckJob, call: TrainerCall, machine: LocalMachine): Promise<CheckResult> {
  return withAttempt(machine, job, call, async (attempt) => {
    const given = await fetchGiven(machine, job.files, attempt);
    const { ending, log } = await runScript(job, call, { attempt, given, machine });
    return checkResultOf(ending, job, log.lastLines);
  });
}

interface ScriptGround {
  readonly attempt: Attempt;
  readonly given: readonly GivenFile[];
  readonly machine: TrainingMachine;
}

async function runScript(
  job: ScriptJob,
  { onLog, onProgress, signal }: TrainerCall,
  { attempt, given, machine }: ScriptGround,
): Promise<{ readonly ending: Ending; readonly outside: ScriptPaths; readonly log: ScriptLog }> {
  const outside = await prepareFolders(job, attempt, given);
  const log = new ScriptLog(onLog, onProgress);
  const { warning, ...launch } = await prepareLaunch(job, machine, attempt.environment, outside);
  if (warning !== null) log.system(warning);
  const command: SandboxedCommand = {
    ...launch,
    title: 'training',
    network: { kind: job.network ? 'public' : 'none' },
    limits: limitsOf(job.limits),
    signal,
  };
  const ending = await machine.sandbox.run(command, log.write);
  log.end();
  return { ending, outside, log };
}

/** Applies defaults here, where the command starts, because they depend on the machine and are part of no digest. */
function limitsOf({ memoryBytes, ...limits }: JobLimits): Limits {
  return { ...limits, memoryBytes: memoryBytes ?? defaultMemoryBytes() };
}
