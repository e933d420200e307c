import type { Trainer } from '../../../ports/trainer.ts';
import { systemPath } from '../../sandbox/installation.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import type { JobParts } from './attempt.ts';
import { withAttempt } from './attempt.ts';
import { runCheck, train } from './train.ts';

export interface LocalTrainerSettings extends JobParts {
  /** PATH on which programs are looked up. Scripts see it if there is no sandbox. Default: the system's folders. */
  readonly path?: string | undefined;
  readonly sandbox: Sandbox;
}

/** Creates a trainer that runs the command as processes on this machine, in a sandbox if bubblewrap can make one. */
export function createLocalTrainer({ path = systemPath, ...settings }: LocalTrainerSettings): Trainer {
  const machine = { ...settings, path };
  return {
    environment: (job, call) =>
      withAttempt(machine, job, call, async ({ environment: { interpreter, platform } }) => ({
        interpreter,
        platform,
      })),
    train: (job, call) => train(job, call, machine),
    check: (job, call) => runCheck(job, call, machine),
  };
}
