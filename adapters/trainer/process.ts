import { dirname } from 'node:path';
import { PerennialError } from '../../contracts/errors.ts';
import type { Trainer, TrainingEnvironment } from '../../ports/trainer.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { findPython, platformName } from './python.ts';
import type { Machine } from './launch.ts';
import { isNodeLock, modulesOfLock } from './node-environments.ts';
import { environmentOfLock } from './python-environments.ts';
import { resolveLock } from './resolve-lock.ts';
import { ScriptLog } from './script-log.ts';
import type { Environment } from './tool-environment.ts';
import { toolEnvironment } from './tool-environment.ts';
import { check, train } from './train.ts';

export interface ProcessTrainerSettings {
  /** Environments of locks are kept in it; made if absent. */
  readonly cacheFolder: string;
  /**
   * The worker's own: where programs and the package index are. Scripts see none of it, except, where there is no
   * sandbox, its PATH. Default: the system's folders.
   */
  readonly environment?: Environment;
  readonly sandbox: Sandbox;
}

/** Trains by starting the command as processes on this machine, in a sandbox where bubblewrap can make one. */
export function createProcessTrainer(settings: ProcessTrainerSettings): Trainer {
  const tools = toolEnvironment(settings.environment ?? {});
  const machine: Machine = { tools, sandbox: settings.sandbox };
  return {
    materialise: async (lockPath, digest, onLog, signal) => {
      const log = new ScriptLog(onLog);
      if (lockPath !== null && isNodeLock(lockPath)) {
        const { modulesFolder, interpreter } = await modulesOfLock(settings.cacheFolder, {
          lockPath,
          digest,
          tools,
          log,
          signal,
        });
        return { ...describe(null, interpreter), modulesFolder };
      }
      const python = await findPython(tools);
      // No lock and no Python: the command may be any other program.
      if (lockPath === null) return describe(python && dirname(python.executable), python?.interpreter ?? 'none');
      if (python === null) throw noPython();
      const binFolder = await environmentOfLock(settings.cacheFolder, { lockPath, digest, python, tools, log, signal });
      return describe(binFolder, python.interpreter);
    },
    resolveLock: async (lockPath, onLog, signal) => {
      if (isNodeLock(lockPath)) return null;
      const python = await findPython(tools);
      if (python === null) throw noPython();
      return resolveLock(settings.cacheFolder, { lockPath, python, tools, log: new ScriptLog(onLog), signal });
    },
    train: (job) => train(job, machine),
    check: (job) => check(job, machine),
  };
}

function describe(binFolder: string | null, interpreter: string): TrainingEnvironment {
  return { binFolder, modulesFolder: null, interpreter, platform: platformName() };
}

function noPython(): PerennialError {
  return new PerennialError(
    'environment-failed',
    'there is no Python of 3.10 or newer on the PATH of this worker, and code.environment names a lock for one; install Python, or leave code.environment out',
    {},
  );
}
