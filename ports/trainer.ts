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
 * Runs a model's code. Jobs and results name bytes by digest: a trainer reads them from the object store and stores its
 * results there, so it may work on another machine. It stores them before it answers, because garbage collection keeps
 * what is stored while a step runs. No process of a job outlives the call, or its caller.
 *
 * All methods: `blob-missing`, `blob-corrupt`, `environment-failed`, `cancelled`
 */
export interface Trainer {
  /** What scripts of this code run with, which only the trainer knows. Makes the environment of the lock. */
  environment(job: EnvironmentJob, call: Omit<TrainerCall, 'onProgress'>): Promise<JobEnvironment>;
  /** `training-failed` (fields exitCode, lastLines), `training-timeout`, `training-limit`, `artifact-missing`, `too-large` */
  train(job: TrainingJob, call: TrainerCall): Promise<TrainingResult>;
  /** Keeps nothing of what the script writes. */
  check(job: CheckJob, call: TrainerCall): Promise<CheckResult>;
}
