import { dirname } from 'node:path';
import { PerennialError } from '../../contracts/errors.ts';
import type { Trainer, TrainingEnvironment } from '../../ports/trainer.ts';
import { findOnPath, findPython, platformName } from './python.ts';
import type { Machine } from './launch.ts';
import { isNodeLock, modulesOfLock } from './node-environments.ts';
import { environmentOfLock } from './python-environments.ts';
import { resolveLock } from './resolve-lock.ts';
import { whySandboxFails } from './sandbox.ts';
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
}

/** Trains by starting the command as processes on this machine, in a sandbox where bubblewrap can make one. */
export function createProcessTrainer(settings: ProcessTrainerSettings): Trainer {
  const tools = toolEnvironment(settings.environment ?? {});
  let machine: Promise<Machine> | undefined;
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
    train: async (job) => {
      machine ??= lookAround(tools);
      return train(job, await machine);
    },
    check: async (job) => {
      machine ??= lookAround(tools);
      return check(job, await machine);
    },
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

/** Asked once: trying bubblewrap takes longer than looking at the answer. */
async function lookAround(tools: Readonly<Record<string, string>>): Promise<Machine> {
  const bubblewrap = await findOnPath('bwrap', tools.PATH ?? '');
  if (bubblewrap === null) return { tools, sandbox: { kind: 'none', reason: 'bubblewrap is not installed' } };
  const reason = await whySandboxFails(bubblewrap);
  if (reason === null) return { tools, sandbox: { kind: 'bubblewrap', path: bubblewrap } };
  return { tools, sandbox: { kind: 'none', reason: `bubblewrap cannot make a sandbox here (${reason})` } };
}
