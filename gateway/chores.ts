import { reasonOf } from '../contracts/errors.ts';
import type { Id } from '../contracts/identifiers.ts';
import type { Logger } from '../ports/logger.ts';
import type { DeploymentRepository } from '../ports/repositories/deployment-repository.ts';
import type { ArtifactCache } from './serving/artifact-cache.ts';
import type { GatewayDisk } from './log/gateway-disk.ts';
import type { PredictionLog } from './log/prediction-log.ts';
import type { Repeated } from './repeat.ts';
import { repeat } from './repeat.ts';
import type { ServingCounts } from './log/serving-counts.ts';
import type { ServingTable } from './serving/serving-table.ts';
import type { ShadowCounts } from './log/shadow-counts.ts';
import type { GatewayState } from './following/gateway-state.ts';

/** Repeated work. If it fails, it is tried again. */
interface Chore extends Repeated {
  /** Like `now`, but rejects if the work failed. */
  done(): Promise<void>;
}

export interface Chores {
  readonly tell: Chore;
  readonly tend: Repeated;
  readonly sweep: Repeated;
  readonly look: Repeated;
}

export interface Tended {
  readonly gatewayId: Id;
  readonly deployments: Pick<DeploymentRepository, 'countServed' | 'countShadow'>;
  readonly logger: Logger;
  readonly table: ServingTable;
  readonly artifacts: ArtifactCache;
  readonly log: PredictionLog;
  readonly counts: ServingCounts;
  readonly shadowCounts: ShadowCounts;
  readonly state: GatewayState;
  readonly disk: GatewayDisk;
}

/** Kept short, because the decision about a canary waits for the counts. */
const tellCountsEveryMs = 200;
const tendEveryMs = 1_000;
const lookEveryMs = 1_000;
const sweepEveryMs = 60_000;
const retryMs = 1_000;

export function startChores({ table, artifacts, log, state, disk, ...tended }: Tended): Chores {
  const { logger, gatewayId } = tended;
  return {
    tell: chore(logger, 'reporting what was served', tellCountsEveryMs, () => tellCounts(tended, state)),
    tend: chore(logger, 'maintaining the prediction log', tendEveryMs, () => log.tend()),
    sweep: chore(logger, 'unloading models that no longer serve', sweepEveryMs, async () => {
      // Until the gateway knows what serves, any loaded model may still be needed.
      if (!table.ready) return;
      const wanted = await table.sweep();
      if (wanted) await artifacts.keepOnly(wanted);
    }),
    look: chore(logger, 'checking the disk', lookEveryMs, async () => {
      await disk.look();
      await state.keepIdentity(gatewayId);
    }),
  };
}

/** Saves the counts before reporting them, so that they survive a restart while the database is unreachable. */
async function tellCounts(
  { counts, shadowCounts, deployments }: Pick<Tended, 'counts' | 'shadowCounts' | 'deployments'>,
  state: GatewayState,
): Promise<void> {
  const keep = () => state.keepCounts(counts.all(), shadowCounts.all());
  await counts.report(async (told) => {
    await keep();
    await deployments.countServed(told);
  });
  await shadowCounts.report(async (told) => {
    await keep();
    await deployments.countShadow(told);
  });
}

function chore(logger: Logger, name: string, everyMs: number, work: () => Promise<void>): Chore {
  let failure: { readonly caught: unknown } | undefined;
  const repeated = repeat(async () => {
    try {
      await work();
      failure = undefined;
      return everyMs;
    } catch (caught) {
      failure = { caught };
      logger.debug({ reason: reasonOf(caught) }, `${name} failed and will be tried again`);
      return Math.max(everyMs, retryMs);
    }
  });
  void repeated.now();
  return {
    ...repeated,
    async done() {
      await repeated.now();
      if (failure !== undefined) throw failure.caught;
    },
  };
}
