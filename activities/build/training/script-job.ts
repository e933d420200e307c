import type { BuildPlan } from '../../../contracts/models/build-plan.ts';
import { bytesOf } from '../../../contracts/settings/byte-size.ts';
import { JobCode } from '../../../contracts/models/training-job.ts';
import type { ScriptJob } from '../../../contracts/models/training-job.ts';
import { durationMs } from '../../../contracts/time/duration.ts';
import type { ActivityDependencies } from '../../activity-dependencies.ts';

/** Bound on files if the configuration sets none. */
const filesAtMost = 100_000;

/**
 * Returns the training command of a build. Reads the plan and not the environment's heads, which may have moved since.
 */
export async function scriptJobOf(
  { repositories }: Pick<ActivityDependencies, 'repositories'>,
  { codeVersionId, configurationId, trainingKeyParts }: BuildPlan,
): Promise<ScriptJob> {
  const { manifest } = await repositories.code.get(codeVersionId);
  const { configuration } = await repositories.models.configuration(configurationId);
  const { resources, timeout } = configuration.build;
  const { params, seed, features, target } = trainingKeyParts;
  return {
    schemaVersion: 1,
    code: JobCode.parse(manifest),
    command: manifest.command,
    params,
    seed,
    features,
    target,
    network: manifest.network,
    limits: {
      timeoutMs: durationMs(timeout),
      memoryBytes: resources.memory === undefined ? null : bytesOf(resources.memory),
      processes: resources.processes,
      diskBytes: bytesOf(resources.disk),
      files: resources.files ?? filesAtMost,
    },
  };
}
