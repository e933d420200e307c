import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuildPlan } from '../../../contracts/models/build-plan.ts';
import { bytesOf } from '../../../contracts/settings/byte-size.ts';
import type { CodeVersion } from '../../../contracts/code/code-version.ts';
import type { Configuration } from '../../../contracts/configuration/configuration.ts';
import { durationMs } from '../../../contracts/time/duration.ts';
import type { ScriptJob } from '../../../ports/trainer.ts';
import type { ActivityDependencies } from '../../activity-dependencies.ts';
import { unpackCode } from '../../steps/unpack-code.ts';
import type { RunLog } from '../../steps/run-log.ts';

/** Of training that asks for no other bound. */
const filesAtMost = 100_000;

/** The code of a build as a folder, with its environment: what scripts of it run in. */
export interface ScriptGround {
  readonly code: CodeVersion;
  readonly configuration: Configuration;
  /** Everything but the command and the time limit; a new attempt folder for each call. */
  job(attempt: string): Promise<Omit<ScriptJob, 'command' | 'timeoutMs'>>;
  readonly trainingTimeoutMs: number;
}

/** By the plan and not by the heads: they may have moved since. */
export async function layScriptGround(
  deps: ActivityDependencies,
  plan: BuildPlan,
  { folder, log, signal }: { readonly folder: string; readonly log: RunLog; readonly signal: AbortSignal },
): Promise<ScriptGround> {
  const code = await deps.repositories.code.get(plan.codeVersionId);
  const { configuration } = await deps.repositories.models.configuration(plan.configurationId);
  const { params, seed, features, target } = plan.trainingKeyParts;
  const { codeFolder, lockPath } = await unpackCode(deps, code, folder);
  const { environment: locked, allowBuilds = false } = code.manifest;
  const call = { allowBuilds, onLog: log.line, signal };
  const environment = await deps.environments.materialise(lockPath, locked?.lock ?? null, call);
  const { resources, timeout } = configuration.build;
  const shared = {
    codeFolder,
    environment,
    params,
    seed,
    features,
    target,
    network: code.manifest.network,
    memoryBytes: resources.memory === undefined ? null : bytesOf(resources.memory),
    processesAtMost: resources.processes,
    diskBytesAtMost: bytesOf(resources.disk),
    filesAtMost: resources.files ?? filesAtMost,
    onLog: log.line,
    onProgress: log.progress,
    signal,
  };
  return {
    code,
    configuration,
    trainingTimeoutMs: durationMs(timeout),
    job: async (attempt) => {
      const attemptFolder = join(folder, attempt);
      await mkdir(attemptFolder);
      return { ...shared, attemptFolder };
    },
  };
}
