import { basename, dirname, join } from 'node:path';
import { PerennialError } from '../../contracts/errors.ts';
import type { Sha256 } from '../../contracts/identifiers.ts';
import { isNodeLock } from '../../contracts/code/package-lock.ts';
import { parseRequirements } from '../../contracts/code/requirements.ts';
import type { EnvironmentCall, Environments, TrainingEnvironment } from '../../ports/environments.ts';
import { systemPath } from '../sandbox/installation.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { ScriptLog } from '../sandbox/script-log.ts';
import { AskedPrograms } from './ask-program.ts';
import { withoutProxyAddresses } from './indexes/index-proxy.ts';
import { modulesOfLock, parseNodeLock } from './node-environments.ts';
import { PackageFiles } from './indexes/package-files.ts';
import type { PipIndexes } from './indexes/pip-sources.ts';
import { readPipSources } from './indexes/pip-sources.ts';
import type { Python } from './python.ts';
import { findPython, platformName } from './python.ts';
import type { PipRun } from './python-environments.ts';
import { environmentOfLock } from './python-environments.ts';
import { readLock } from './read-lock.ts';
import { resolveLock } from './resolve-lock.ts';
import type { ToolVariables } from './tool-environment.ts';
import type { ToolLimits } from './tool-step.ts';

export interface EnvironmentsSettings {
  /** Folder that keeps environments and package files. Created if absent. */
  readonly cacheFolder: string;
  /**
   * Folder for environments that are being made. It belongs to this process and is on the same file system as the
   * cache. Created if absent.
   */
  readonly workFolder: string;
  readonly sandbox: Sandbox;
  /**
   * The worker's own environment variables, which lead to its programs and its configuration of pip and npm. Packages
   * see none of them.
   */
  readonly environment?: ToolVariables;
  /** Indexes that replace those of the worker's pip configuration. */
  readonly pip?: PipIndexes;
  /** Limits of each step of a package manager. Default: 30 minutes, 20 GiB of disk and half of the memory. */
  readonly limits?: ToolLimits;
}

const usualLimits: ToolLimits = { timeoutMs: 1_800_000, diskBytes: 20 * 2 ** 30 };

/**
 * Creates the adapter that makes environments from locks. It runs pip, uv and npm in the sandbox, where they reach only
 * the administrator's indexes.
 */
export function createEnvironments(settings: EnvironmentsSettings): Environments {
  const making = new Making(settings);
  return {
    materialise: (lockPath, digest, call) => making.materialise(lockPath, digest, call),
    resolveLock: (lockPath, call) => making.resolveLock(lockPath, call),
  };
}

class Making {
  readonly #settings: EnvironmentsSettings;
  readonly #worker: ToolVariables;
  readonly #programs: AskedPrograms;
  readonly #files: PackageFiles;

  constructor(settings: EnvironmentsSettings) {
    this.#settings = settings;
    this.#worker = { PATH: systemPath, ...settings.environment };
    this.#programs = new AskedPrograms(settings.sandbox, this.#worker);
    this.#files = new PackageFiles(join(settings.cacheFolder, 'packages'), settings.workFolder);
  }

  async materialise(
    lockPath: string | null,
    digest: Sha256 | null,
    call: EnvironmentCall,
  ): Promise<TrainingEnvironment> {
    if (lockPath === null) return this.#asItIs();
    const lock = await readLock(lockPath, digest);
    if (isNodeLock(lockPath)) {
      const { modulesFolder, interpreter } = await modulesOfLock({ ...this.#toolRun(call), lockPath, lock });
      return { binFolder: null, modulesFolder, folders: [], interpreter, platform: platformName() };
    }
    const run = await this.#pipRun(lockPath, lock, call);
    const folder = await environmentOfLock(run, lock);
    return {
      binFolder: join(folder, 'bin'),
      modulesFolder: null,
      folders: [folder, ...run.python.folders],
      interpreter: run.python.interpreter,
      platform: platformName(),
    };
  }

  async resolveLock(lockPath: string, call: EnvironmentCall): Promise<string | null> {
    const lock = await readLock(lockPath, null);
    if (!isNodeLock(lockPath)) return resolveLock(await this.#pipRun(lockPath, lock, call));
    await parseNodeLock({ lock, lockPath });
    return null;
  }

  /**
   * Returns the environment of a command that has no lock. Python may be absent, because the command may be any other
   * program.
   */
  async #asItIs(): Promise<TrainingEnvironment> {
    const python = await this.#findPython();
    return {
      binFolder: python && dirname(python.executable),
      modulesFolder: null,
      folders: python?.folders ?? [],
      interpreter: python?.interpreter ?? 'none',
      platform: platformName(),
    };
  }

  async #pipRun(lockPath: string, lock: string, call: EnvironmentCall): Promise<PipRun> {
    // Parsed before anything is started, because the file may be refused.
    const requirements = parseRequirements(lock, basename(lockPath));
    const python = await this.#findPython();
    if (python === null) throw noPython();
    const set = this.#settings.pip ?? { indexUrl: undefined, extraIndexUrls: [] };
    return {
      ...this.#toolRun(call),
      requirements,
      python,
      sources: await readPipSources(this.#worker, set, python.prefixes),
      allowBuilds: call.allowBuilds,
      path: this.#worker.PATH ?? systemPath,
    };
  }

  #findPython(): Promise<Python | null> {
    return findPython(this.#programs, this.#worker.PATH ?? systemPath);
  }

  #toolRun({ onLog, signal }: EnvironmentCall) {
    const { sandbox, cacheFolder, workFolder, limits = usualLimits } = this.#settings;
    return {
      sandbox,
      limits,
      cacheFolder,
      workFolder,
      files: this.#files,
      programs: this.#programs,
      worker: this.#worker,
      log: new ScriptLog(({ stream, line }) => onLog({ stream, line: withoutProxyAddresses(line) })),
      signal,
    };
  }
}

function noPython(): PerennialError {
  return new PerennialError(
    'environment-failed',
    'code.environment names a Python lock, but there is no Python 3.10 or newer on the PATH of this worker; install Python, or remove code.environment',
    {},
  );
}
