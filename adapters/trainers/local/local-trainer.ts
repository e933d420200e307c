import type { Trainer } from '../../../ports/trainer.ts';
import { systemPath } from '../../sandbox/installation.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import type { TrainingMachine } from './launch.ts';
import { runCheck, train } from './train.ts';

export interface ProcessTrainerSettings {
  /** Where programs are looked for; scripts see it where there is no sandbox. Default: the system's folders. */
  readonly path?: string | undefined;
  readonly sandbox: Sandbox;
}

/** Trains by starting the command as processes on this machine, in a sandbox where bubblewrap can make one. */
export function createProcessTrainer({ path = systemPath, sandbox }: ProcessTrainerSettings): Trainer {
  const machine: TrainingMachine = { path, sandbox };
  return {
    train: (job) => train(job, machine),
    check: (job) => runCheck(job, machine),
  };
}
