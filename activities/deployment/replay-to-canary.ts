import { PerennialError } from '../../contracts/errors.ts';
import type { Id, Scope } from '../../contracts/identifiers.ts';
import type { InferenceRow, SentRows } from '../../ports/gateways.ts';
import type { Activities } from '../../contracts/pipelines/steps.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';
import { rowsBetween } from '../measurement/dataset-rows.ts';
import { rehearsalOf } from '../steps/rehearsal-of.ts';
import { withWorkspace } from '../steps/workspace.ts';
import { Walk } from './walk-rows.ts';

const concurrency = 16;
/** A replay ends after this many times the rows that the canary is expected to need. */
const patience = 100;

/**
 * Replays rows of the period just served, split by a seeded hash, until the canary has received the minimum number of
 * requests. Gateways report their counts a moment later. Replayed requests are marked, so that they stay out of
 * metrics, monitoring and labels. Rows that the gateway refuses are replaced by others, because it counts them for
 * neither release.
 */
export function createReplayToCanary(deps: ActivityDependencies): Activities['replayToCanary'] {
  return async ({ runId, scope, generation }) => {
    const { weight, minRequests } = await stepUp(deps, scope, { runId, generation });
    const rehearsal = await rehearsalOf(deps, scope);
    const { configuration } = await deps.repositories.models.configuration(rehearsal.plan.configurationId);
    const now = await deps.repositories.environments.now(scope.project, scope.environment);
    await withWorkspace(deps.scratchFolder, 'replay', async (folder) => {
      const { datasetVersionId } = rehearsal.plan;
      const { window } = configuration.monitor;
      const rows = await rowsBetween(deps, { datasetVersionId, configuration, from: window, to: now, folder });
      const none = (reason: string): PerennialError =>
        new PerennialError('no-data', reason, { environment: scope.environment });
      if (rows.rows === 0) throw none(`there are no rows in the window before ${now} to replay to the canary`);
      const key = deps.rehearsalKey(rehearsal.id);
      const send = (part: readonly InferenceRow[], replayAs: 'champion' | 'canary'): Promise<SentRows> =>
        deps.gateways.send(scope, part, { key, concurrency, replayAs });
      const walk = new Walk(rows, { weight, seed: `${rehearsal.id}/${generation}`, generation });
      const atMost = patience * (Math.ceil((minRequests * 100) / (weight === 0 ? 100 : weight)) + rows.rows);
      try {
        for (let wanted = minRequests; wanted > 0 && walk.passed < atMost;) {
          const part = await walk.next(wanted);
          // A shadow gets the requests of the champion and is compared where the champion has an answer.
          const champion = await send(part.toChampion, 'champion');
          const canary = await send(part.toCanary, 'canary');
          wanted -= weight === 0 ? champion.answered : canary.answered + canary.unanswered;
          const refused = [...champion.refused, ...canary.refused];
          walk.leaveOut(part, refused);
          if (walk.isEmpty)
            throw none(`the gateway rejected every row of the window before ${now}: ${refused[0]?.reason ?? ''}`);
        }
      } finally {
        await walk.close();
      }
    });
  };
}

interface StepUp {
  /** Percentage of requests for the new release. 0: the champion answers every request, and the new release gets copies. */
  readonly weight: number;
  readonly minRequests: number;
}

/**
 * Returns the weight of the run's current canary or shadow, and the number of requests that its approved strategy
 * demands.
 */
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
      `run ${runId} has no canary or shadow in generation ${generation} of ${scope.model}, so no rows can be replayed`,
      { runId, generation },
    );
  const { weight } = slot;
  const release = await deployments.release(slot.releaseId);
  const { shadow, minRequests } = (await models.configuration(release.configurationId)).configuration.deploy.strategy;
  return { weight, minRequests: slot.role === 'shadow' ? (shadow?.minRows ?? 0) : minRequests };
}
