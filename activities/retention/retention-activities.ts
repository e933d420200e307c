import { shiftInstant } from '../../contracts/time/shift-instant.ts';
import type { Sha256 } from '../../contracts/identifiers.ts';
import type { Activities } from '../../contracts/pipelines/steps.ts';
import type { RunInput } from '../../contracts/pipelines/step.ts';
import type { StoringDependencies } from '../activity-dependencies.ts';

type Parts = Pick<StoringDependencies, 'repositories' | 'objectStore'>;
type Retained = 'predictions' | 'rejectedVersions';

// Both steps first delete rows, with an entry in the ledger, and then the bytes by the rules of garbage collection.
// These rules keep bytes that another row refers to, and bytes so recent that a row may be about to refer to them. What
// remains, for example after an interruption, is removed by a later garbage collection.

export function createExpirePredictions(deps: Parts): Activities['expirePredictions'] {
  const { monitoring } = deps.repositories;
  return async (input) => {
    const { before, run } = await boundOf(deps, input, 'predictions');
    const expire = () => monitoring.expireSegments(input.scope, before, run);
    const segments = await removeAll(deps, expire);
    while ((await monitoring.expireLabels(input.scope, before)) > 0);
    while ((await monitoring.expireIndex(input.scope, before)) > 0);
    return { segments };
  };
}

export function createExpireRejectedVersions(deps: Parts): Activities['expireRejectedVersions'] {
  const { versions } = deps.repositories;
  return async (input) => {
    const { scope } = input;
    const environment = await deps.repositories.environments.get(scope.project, scope.environment);
    // Versions are shared by all environments, and years of virtual time pass in minutes, so a rehearsal must not
    // expire them.
    if (environment.clock === 'virtual') return { blobs: 0 };
    const { before, run } = await boundOf(deps, input, 'rejectedVersions');
    return { blobs: await removeAll(deps, () => versions.expireRejected(scope, before, run)) };
  };
}

async function boundOf(deps: Parts, { runId, scope }: RunInput, retained: Retained) {
  const { configuration } = await deps.repositories.models.currentConfiguration(scope);
  const now = await deps.repositories.environments.now(scope.project, scope.environment);
  const before = shiftInstant(now, configuration.retention[retained], -1, configuration.data.timezone);
  const { recordedBy } = await deps.repositories.runs.get(runId);
  return { before, run: { runId, by: recordedBy } };
}

async function removeAll(deps: Parts, expire: () => Promise<readonly Sha256[]>): Promise<number> {
  for (let removed = 0; ;) {
    const putBefore = await deps.repositories.collections.putBefore();
    const digests = await expire();
    if (digests.length === 0) return removed;
    for (const sha256 of digests) await deps.objectStore.removeUntouched(sha256, putBefore);
    removed += digests.length;
  }
}
