import { dirname } from 'node:path';
import { PerennialError } from '../../contracts/errors.ts';
import type { Trainer, TrainingEnvironment } from '../../ports/trainer.ts';
import { findOnPath, findPython, platformName } from './python.ts';
import { environmentOfLock } from './python-environments.ts';
import { whySandboxFails } from './sandbox.ts';
import { ScriptLog } from './script-log.ts';
import type { Environment } from './tool-environment.ts';
import { toolEnvironment } from './tool-environment.ts';
import type { Machine } from './train.ts';
import { train } from './train.ts';

export interface ProcessTrainerSettings {
  /** Environments of locks are kept in it; made if absent. */
  readonly cacheFolder: string;
  /**
   * The worker's own: where programs and the package index are. Scripts see none of it, except, where there is no
   * sandbox, its PATH. Default: the system's folders.
   */
  readonly environment?: Environment;
}

/** Trains by starting the command as processes on this machine, in a sandbox where bubblewrap can make one. */
export function createProcessTrainer(settings: ProcessTrainerSettings): Trainer {
  const tools = toolEnvironment(settings.environment ?? {});
  let machine: Promise<Machine> | undefined;
  return {
    materialise: async (lockPath, digest, onLog, signal) => {
      const python = await findPython(tools);
      // No lock and no Python: the command may be any other program.
      if (lockPath === null) return describe(python && dirname(python.executable), python?.interpreter ?? 'none');
      if (python === null) throw noPython();
      const log = new ScriptLog(onLog);
      const binFolder = await environmentOfLock(settings.cacheFolder, { lockPath, digest, python, tools, log, signal });
      return describe(binFolder, python.interpreter);
    },
    train: async (job) => {
      machine ??= lookAround(tools);
      return train(job, await machine);
    },
  };
}

function describe(binFolder: string | null, interpreter: string): TrainingEnvironment {
  return { binFolder, interpreter, platform: platformName() };
}

function noPython(): PerennialError {
  return new PerennialError(
    'environment-failed',
    'there is no Python of 3.10 or newer on the PATH of this worker, and code.environment names a lock for one; install Python, or leave code.environment out',
    {},
  );
}

/** Asked once: trying bubblewrap takes longer than looking at the answer. */
async function lookAround(tools: Readonly<Record<string, string>>): Promise<Machine> {
  const bubblewrap = await findOnPath('bwrap', tools.PATH ?? '');
  if (bubblewrap === null) return { tools, sandbox: { kind: 'none', reason: 'bubblewrap is not installed' } };
  const reason = await whySandboxFails(bubblewrap);
  if (reason === null) return { tools, sandbox: { kind: 'bubblewrap', path: bubblewrap } };
  return { tools, sandbox: { kind: 'none', reason: `bubblewrap cannot make a sandbox here (${reason})` } };
}
