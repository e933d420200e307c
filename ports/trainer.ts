import type {
  CheckJob,
  CheckResult,
  EnvironmentJob,
  JobEnvironment,
  TrainingJob,
  TrainingResult,
} from '../contracts/models/training-job.ts';
import type { LogLine } from '../contracts/runs/run.ts';

/** Log, progress and cancellation of one call. */
export interface TrainerCall {
  readonly onLog: (line: Pick<LogLine, 'stream' | 'line'>) => void;
  readonly onProgress: (fraction: number, message: string) => void;
  /** Aborting stops all processes of the job within 5 s. */
  readonly signal: AbortSignal;
}

/**
 * Runs a model's code. Jobs and results name bytes by digest: a trainer reads its inputs from the object store and
 * stores its results there, so it may work on another machine. It must store the results before it returns, because
 * garbage collection keeps what is stored while a step runs. No process of a job outlives the call or the calling
 * process.
 *
 * All methods may throw `blob-missing`, `blob-corrupt`, `environment-failed` and `cancelled`.
 */
export interface Trainer {
  /**
   * Creates the environment of the lock and returns what scripts of this code run with, which only the trainer knows.
   */
  environment(job: EnvironmentJob, call: Omit<TrainerCall, 'onProgress'>): Promise<JobEnvironment>;
  /**
   * Runs the training command. Errors: `training-failed` (fields exitCode, lastLines), `training-timeout`,
   * `training-limit`, `artifact-missing`, `too-large`.
   */
  train(job: TrainingJob, call: TrainerCall): Promise<TrainingResult>;
  /** Runs a check script and discards the files that it writes. */
  check(job: CheckJob, call: TrainerCall): Promise<CheckResult>;
}
