import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { PerennialError } from '../../contracts/errors.ts';
import type { Id, Scope } from '../../contracts/identifiers.ts';
import type { InferenceRow, RefusedRow, SentRows } from '../../ports/gateways.ts';
import type { Activities } from '../../contracts/pipelines/steps.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';
import type { DatasetRow } from '../measurement/dataset-rows.ts';
import { rowsBetween } from '../measurement/dataset-rows.ts';
import { rehearsalOf } from '../steps/rehearsal-of.ts';
import { withWorkspace } from '../steps/workspace.ts';

const concurrency = 16;
const rowsAtOnce = 1_000;
/** Rows that the gateway refused are replaced in the next round. */
const mostRounds = 10;

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
    const rows = await withWorkspace(deps.scratchFolder, 'replay', (folder) =>
      rowsBetween(deps, {
        datasetVersionId: rehearsal.plan.datasetVersionId,
        configuration,
        from: configuration.monitor.window,
        to: now,
        folder,
      }),
    );
    const none = (reason: string): PerennialError =>
      new PerennialError('no-data', reason, { environment: scope.environment });
    if (rows.length === 0) throw none(`there are no rows in the window before ${now} to replay to the canary`);
    const key = deps.rehearsalKey(rehearsal.id);
    const send = (part: readonly ReplayedRow[], replayAs: 'champion' | 'canary'): Promise<SentRows> =>
      deps.gateways.send(scope, part, { key, concurrency, replayAs });
    const plan = { weight, seed: `${rehearsal.id}/${generation}`, generation };
    let [pool, wanted, from] = [rows, minRequests, 0];
    for (let round = 0; round < mostRounds && wanted > 0; round += 1) {
      const part = await nextPart(pool, { ...plan, wanted, from });
      // A shadow gets the requests of the champion and is compared where the champion has an answer.
      const champion = await send(part.toChampion, 'champion');
      const canary = await send(part.toCanary, 'canary');
      wanted -= weight === 0 ? champion.answered : canary.answered + canary.unanswered;
      from += part.walked;
      const refused = [...champion.refused, ...canary.refused];
      pool = without(pool, part, refused);
      if (pool.length === 0)
        throw none(`the gateway rejected every row of the window before ${now}: ${refused[0]?.reason ?? ''}`);
    }
  };
}

/** A row with an id of its own, because the same row may be replayed more than once. */
interface ReplayedRow extends InferenceRow {
  readonly of: DatasetRow;
}

interface Part {
  readonly toCanary: readonly ReplayedRow[];
  readonly toChampion: readonly ReplayedRow[];
  readonly walked: number;
}

function without(pool: readonly DatasetRow[], part: Part, refused: readonly RefusedRow[]): DatasetRow[] {
  const ids = new Set(refused.map(({ id }) => id));
  const gone = new Set([...part.toChampion, ...part.toCanary].flatMap((row) => (ids.has(row.id) ? [row.of] : [])));
  return pool.filter((row) => !gone.has(row));
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

interface Walk {
  readonly weight: number;
  readonly seed: string;
  readonly generation: number;
  readonly wanted: number;
  /** Number of rows that earlier rounds have walked. */
  readonly from: number;
}

function nextPart(pool: readonly DatasetRow[], walk: Walk): Part | Promise<Part> {
  return walk.weight === 0 ? toShadow(pool, walk) : split(pool, walk);
}

/** Walks the rows, repeatedly if necessary, until `wanted` of them went to the canary. */
async function split(rows: readonly DatasetRow[], { weight, wanted, seed, from }: Walk): Promise<Part> {
  const toCanary: ReplayedRow[] = [];
  const toChampion: ReplayedRow[] = [];
  // A weight of 1 % needs about a hundred rows per canary request. Ten times as many is a bound that is practically
  // never reached.
  const atMost = Math.ceil((wanted * 1000) / weight) + rows.length;
  let walked = 0;
  for (; toCanary.length < wanted && walked < atMost; walked += 1) {
    // Without pauses, a long loop would block this thread's heartbeats.
    if (walked % rowsAtOnce === 0) await setImmediate();
    const at = from + walked;
    const row = rows[at % rows.length];
    if (row === undefined) break;
    const id = `${row.id}/replay/${seed}/${at}`.slice(-200);
    const share = createHash('sha256').update(id).digest().readUInt32BE(0) / 2 ** 32;
    (share * 100 < weight ? toCanary : toChampion).push({ ...row, id, of: row });
  }
  return { toCanary, toChampion, walked };
}

/** Takes `wanted` rows, repeating them if necessary. */
function toShadow(rows: readonly DatasetRow[], { wanted, generation, from }: Walk): Part {
  const toChampion = Array.from({ length: wanted }, (_, at) => rows[(from + at) % rows.length])
    .filter((row) => row !== undefined)
    .map((row, at) => ({ ...row, id: `${row.id}/shadow/${generation}/${from + at}`.slice(-200), of: row }));
  return { toCanary: [], toChampion, walked: wanted };
}
