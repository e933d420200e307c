import type { BuildPlan } from '../../../contracts/models/build-plan.ts';
import { bytesOf } from '../../../contracts/settings/byte-size.ts';
import { JobCode } from '../../../contracts/models/training-job.ts';
import type { ScriptJob } from '../../../contracts/models/training-job.ts';
import { durationMs } from '../../../contracts/time/duration.ts';
import type { ActivityDependencies } from '../../activity-dependencies.ts';

/** Of training that asks for no other bound. */
const filesAtMost = 100_000;

/** The training command of a build. By the plan and not by the heads: they may have moved since. */
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
