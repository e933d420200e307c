import type { Trainer } from '../../ports/trainer.ts';
import { findOnPath, systemPath } from '../sandbox/installation.ts';
import type { Machine } from './launch.ts';
import { whySandboxFails } from './sandbox.ts';
import { check, train } from './train.ts';

export interface ProcessTrainerSettings {
  /** Where the worker finds programs. Default: the system's folders. */
  readonly path?: string;
}

/** Trains by starting the command as processes on this machine, in a sandbox where bubblewrap can make one. */
export function createProcessTrainer(settings: ProcessTrainerSettings): Trainer {
  const path = settings.path ?? systemPath;
  let machine: Promise<Machine> | undefined;
  return {
    train: async (job) => {
      machine ??= lookAround(path);
      return train(job, await machine);
    },
    check: async (job) => {
      machine ??= lookAround(path);
      return check(job, await machine);
    },
  };
}

/** Asked once: trying bubblewrap takes longer than looking at the answer. */
async function lookAround(path: string): Promise<Machine> {
  const bubblewrap = await findOnPath('bwrap', path);
  if (bubblewrap === null) return { path, sandbox: { kind: 'none', reason: 'bubblewrap is not installed' } };
  const reason = await whySandboxFails(bubblewrap);
  if (reason === null) return { path, sandbox: { kind: 'bubblewrap', path: bubblewrap } };
  return { path, sandbox: { kind: 'none', reason: `bubblewrap cannot make a sandbox here (${reason})` } };
}
