import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { PerennialError } from '../../contracts/errors.ts';
import type { Id, Scope } from '../../contracts/identifiers.ts';
import type { InferenceRow } from '../../ports/gateways.ts';
import type { DeployActivities } from '../activity-types.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { rowsBetween } from '../rehearsal/dataset-rows.ts';
import { rehearsalOf } from '../rehearsal/rehearsal-of.ts';
import { withWorkspace } from '../workspace.ts';

const concurrency = 16;
const rowsAtOnce = 1_000;

/**
 * Replays rows of the period just served, split by a seeded hash, until the minimum has been sent to the canary. Gateways
 * report their counts a moment later. Replayed requests are marked: they stay out of metrics, monitoring and labels.
 */
export function createReplayToCanary(deps: ActivityDependencies): DeployActivities['replayToCanary'] {
  return async ({ runId, scope, generation }) => {
    const { weight, minRequests } = await stepUp(deps, scope, { runId, generation });
    const rehearsal = await rehearsalOf(deps, scope);
    const { configuration } = await deps.repositories.models.configuration(rehearsal.plan.configurationId);
    const now = await deps.repositories.environments.now(scope.project, scope.environment);
    const rows = await withWorkspace(deps.scratchFolder, 'replay', (folder) =>
      rowsBetween(deps, {
        datasetVersionId: rehearsal.plan.datasetVersionId,
        configuration,
        from: configuration.monitor.window,
        to: now,
        folder,
      }),
    );
    if (rows.length === 0)
      throw new PerennialError('no-data', `there are no rows in the window before ${now} to replay to the canary`, {
        environment: scope.environment,
      });
    const { toCanary, toChampion } =
      weight === 0
        ? { toCanary: [], toChampion: toShadow(rows, minRequests, generation) }
        : await split(rows, { weight, minRequests, seed: `${rehearsal.id}/${generation}` });
    const key = deps.rehearsalKey(rehearsal.id);
    // A shadow is asked what the champion is asked.
    await deps.gateways.send(scope, toChampion, { key, concurrency, replayAs: 'champion' });
    await deps.gateways.send(scope, toCanary, { key, concurrency, replayAs: 'canary' });
  };
}

interface StepUp {
  /** 0: to the champion alone, for its shadow. */
  readonly weight: number;
  readonly minRequests: number;
}

/** What the run has up, and how much its approved strategy asks of it. */
async function stepUp(
  { repositories: { deployments, models } }: ActivityDependencies,
  scope: Scope,
  { runId, generation }: { readonly runId: Id; readonly generation: number },
): Promise<StepUp> {
  const current = await deployments.current(scope);
  const slot = current?.slots.find(({ role }) => role !== 'champion');
  if (current?.runId !== runId || current.generation !== generation || slot === undefined)
    throw new PerennialError(
      'rollout-superseded',
      `run ${runId} has no canary or shadow up in generation ${generation} of ${scope.model}, so nothing is replayed to it`,
      { runId, generation },
    );
  const { weight } = slot;
  const release = await deployments.release(slot.releaseId);
  const { shadow, minRequests } = (await models.configuration(release.configurationId)).configuration.deploy.strategy;
  return { weight, minRequests: slot.role === 'shadow' ? (shadow?.minRows ?? 0) : minRequests };
}

/** Walks the rows, over and over if need be, until `minRequests` went to the canary. */
async function split(
  rows: readonly InferenceRow[],
  { weight, minRequests, seed }: { weight: number; minRequests: number; seed: string },
): Promise<{ toCanary: InferenceRow[]; toChampion: InferenceRow[] }> {
  const toCanary: InferenceRow[] = [];
  const toChampion: InferenceRow[] = [];
  // A weight of 1 % needs about a hundred rows a request; ten times that is a bound that chance does not reach.
  const atMost = Math.ceil((minRequests * 1000) / weight) + rows.length;
  for (let i = 0; toCanary.length < minRequests && i < atMost; i += 1) {
    // Without pauses, a long loop would block this thread's heartbeats.
    if (i % rowsAtOnce === 0) await setImmediate();
    const row = rows[i % rows.length];
    if (row === undefined) break;
    const id = `${row.id}/replay/${seed}/${i}`.slice(-200);
    const share = createHash('sha256').update(id).digest().readUInt32BE(0) / 2 ** 32;
    (share * 100 < weight ? toCanary : toChampion).push({ ...row, id });
  }
  return { toCanary, toChampion };
}

/** As many rows as are wanted, over and over if need be. */
function toShadow(rows: readonly InferenceRow[], wanted: number, generation: number): InferenceRow[] {
  return Array.from({ length: wanted }, (_, i) => rows[i % rows.length])
    .filter((row) => row !== undefined)
    .map((row, i) => ({ ...row, id: `${row.id}/shadow/${generation}/${i}`.slice(-200) }));
}
