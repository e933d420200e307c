import type { FastifyInstance } from 'fastify';
import { reasonOf } from '../contracts/errors.ts';
import type { Id } from '../contracts/identifiers.ts';
import type { Clock } from '../ports/clock.ts';
import type { IdMaker } from '../ports/ids.ts';
import type { Logger } from '../ports/logger.ts';
import type { ModelRuntime } from '../ports/model-runtime.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import type { Repositories } from '../ports/repositories/repositories.ts';
import type { TableEngine } from '../ports/table-engine.ts';
import { Acknowledgements } from './acknowledgements.ts';
import type { ArtifactCache } from './artifact-cache.ts';
import { createArtifactCache } from './artifact-cache.ts';
import { KeyTable } from './authentication.ts';
import { claimFolder } from './claim-folder.ts';
import { DeploymentFollower } from './follow-deployments.ts';
import { Inference } from './inference.ts';
import type { KeptLease } from './keep-lease.ts';
import { keepLease } from './keep-lease.ts';
import { createLoadedModels } from './loaded-models.ts';
import { GatewayMetrics } from './metrics.ts';
import { MismatchReports } from './mismatch-reports.ts';
import type { PredictionLogLimits } from './prediction-log.ts';
import { PredictionLog } from './prediction-log.ts';
import type { Repeated } from './repeat.ts';
import { repeat } from './repeat.ts';
import { buildGateway } from './server.ts';
import { ServingCounts } from './serving-counts.ts';
import { Shadow } from './shadow.ts';
import { ShadowCounts } from './shadow-counts.ts';
import { ServingTable } from './serving-table.ts';
import { StateFolder } from './state-folder.ts';

export interface GatewayParts {
  /** Its state: what must not be lost and what it serves without a database. One gateway a folder. */
  readonly folder: string;
  readonly listen: { readonly host: string; readonly port: number };
  /** How others reach it, when not by what it listens on. */
  readonly address: string | undefined;
  readonly repositories: Pick<Repositories, 'deployments' | 'principals' | 'monitoring'>;
  readonly objectStore: ObjectStore;
  readonly modelRuntime: ModelRuntime;
  readonly tableEngine: Pick<TableEngine, 'sealSegment'>;
  readonly clock: Clock;
  readonly ids: IdMaker;
  readonly logger: Logger;
  readonly steadyNow: () => number;
  /** In [0, 1). */
  readonly random: () => number;
  readonly logLimits?: Partial<PredictionLogLimits>;
}

export interface RunningGateway {
  readonly address: string;
  /** Stops accepting, gives up the lease, uploads what it can. What cannot be uploaded stays on disk. */
  close(): Promise<void>;
}

/** Whoever judges a canary waits for these. */
const tellCountsEveryMs = 200;
const tendEveryMs = 1_000;
const sweepEveryMs = 60_000;
const retryMs = 1_000;

/** A gateway that serves, follows the database while there is one, and hands over what it logs. */
export async function startGateway(parts: GatewayParts): Promise<RunningGateway> {
  const { repositories, logger, steadyNow } = parts;
  const letGo = claimFolder(parts.folder);
  const state = new StateFolder(parts.folder, logger);
  const id = await state.identity(parts.ids);
  const acknowledgements = new Acknowledgements({ deployments: repositories.deployments, gatewayId: id, logger });
  const mismatches = new MismatchReports({ deployments: repositories.deployments, gatewayId: id, logger });
  const artifacts = createArtifactCache(state.path('artifacts'), parts.objectStore);
  const models = createLoadedModels({ artifacts, runtime: parts.modelRuntime, logger });
  const table = new ServingTable({
    models,
    logger,
    steadyNow,
    onLoaded: (result) => acknowledgements.add(result),
    onMismatches: (found) => mismatches.set(found),
  });
  const keys = new KeyTable(parts.clock);
  const log = await openLog(parts, state, id);
  const counting = { gatewayId: id, newEpoch: () => parts.ids.next(), steadyNow };
  const counts = new ServingCounts(counting);
  const shadowCounts = new ShadowCounts(counting);
  const kept = await state.counts();
  counts.restore(kept.counts);
  shadowCounts.restore(kept.shadow);
  const shadow = new Shadow({ log, counts: shadowCounts, clock: parts.clock, logger });
  const follower = new DeploymentFollower({
    ...repositories,
    table,
    keys,
    state,
    logger,
    steadyNow,
    clock: parts.clock,
  });
  const chores = startChores({ parts, table, artifacts, log, counts, shadowCounts, state });
  const held = Promise.withResolvers<KeptLease>();
  const tellCounts = async (): Promise<void> => {
    // The database takes counts only from gateways that have held a lease.
    await (await held.promise).now();
    await chores.tell.done();
  };
  const app = buildServer(parts, { table, keys, log, counts, shadow, follower, tellCounts });
  const listening = await app.listen(parts.listen);
  await follower.start();
  const gateway = { id, address: parts.address ?? listening };
  const lease = keepLease({
    deployments: repositories.deployments,
    gateway,
    clock: parts.clock,
    logger,
    onHeld: () => {
      acknowledgements.open();
      mismatches.open();
    },
  });
  held.resolve(lease);
  return {
    address: listening,
    close: () =>
      close({ app, follower, lease, chores, acknowledgements, mismatches, log, shadow, logger }).finally(letGo),
  };
}

async function openLog(parts: GatewayParts, state: StateFolder, gatewayId: Id): Promise<PredictionLog> {
  const { tableEngine, objectStore, ids, logger, steadyNow } = parts;
  const { monitoring } = parts.repositories;
  const log = new PredictionLog({
    folder: state.path('segments'),
    gatewayId,
    tableEngine,
    objectStore,
    monitoring,
    ids,
    logger,
    steadyNow,
    limits: parts.logLimits,
  });
  await log.recover();
  return log;
}

interface Served {
  readonly table: ServingTable;
  readonly keys: KeyTable;
  readonly log: PredictionLog;
  readonly counts: ServingCounts;
  readonly shadow: Shadow;
  readonly follower: DeploymentFollower;
  readonly tellCounts: () => Promise<void>;
}

function buildServer(parts: GatewayParts, served: Served): FastifyInstance {
  const { table, keys, log, counts, shadow, follower, tellCounts } = served;
  const metrics = new GatewayMetrics({
    staleSeconds: () => follower.staleSeconds(),
    logBytes: () => log.bytes,
    waitingSegments: () => log.waitingSegments,
    mismatches: () =>
      table.mismatches().map(({ scope, generation }) => ({
        label: { project: scope.project, model: scope.model, environment: scope.environment },
        generation,
      })),
    generations: () =>
      table.all().map(({ scope, generation }) => ({
        label: { project: scope.project, model: scope.model, environment: scope.environment },
        generation,
      })),
  });
  const { clock, ids, steadyNow, random, logger } = parts;
  return buildGateway({
    table,
    keys,
    inference: new Inference({ table, log, counts, metrics, shadow, clock, ids, steadyNow, random }),
    metrics,
    logger,
    staleSeconds: () => follower.staleSeconds(),
    lookAgain: () => follower.lookAgain(),
    flush: async (scope) => {
      await shadow.idle();
      await log.flush(scope);
      await tellCounts();
    },
  });
}

/** Repeated work. If it fails, it is tried again. */
interface Chore extends Repeated {
  /** Does what `now` does, and rejects if the work failed. */
  done(): Promise<void>;
}

interface Chores {
  readonly tell: Chore;
  readonly tend: Repeated;
  readonly sweep: Repeated;
}

interface Tended {
  readonly parts: GatewayParts;
  readonly table: ServingTable;
  readonly artifacts: ArtifactCache;
  readonly log: PredictionLog;
  readonly counts: ServingCounts;
  readonly shadowCounts: ShadowCounts;
  readonly state: StateFolder;
}

function startChores({ parts, table, artifacts, log, counts, shadowCounts, state }: Tended): Chores {
  const { logger, repositories } = parts;
  const chore = (name: string, everyMs: number, work: () => Promise<void>): Chore => {
    let failure: { readonly caught: unknown } | undefined;
    const repeated = repeat(async () => {
      try {
        await work();
        failure = undefined;
        return everyMs;
      } catch (caught) {
        failure = { caught };
        logger.debug({ reason: reasonOf(caught) }, `${name} could not be done and will be tried again`);
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
  };
  return {
    // Kept before it is told: while the database is away, the counts outlive this process.
    tell: chore('telling what was served', tellCountsEveryMs, async () => {
      const keep = () => state.keepCounts(counts.all(), shadowCounts.all());
      await counts.report(async (told) => {
        await keep();
        await repositories.deployments.countServed(told);
      });
      await shadowCounts.report(async (told) => {
        await keep();
        await repositories.deployments.countShadow(told);
      });
    }),
    tend: chore('tending the prediction log', tendEveryMs, () => log.tend()),
    sweep: chore('unloading what serves no more', sweepEveryMs, async () => {
      // Before it is known what serves, nothing is known to be of no use.
      if (!table.ready) return;
      const wanted = await table.sweep();
      if (wanted) await artifacts.keepOnly(wanted);
    }),
  };
}

interface Running {
  readonly app: FastifyInstance;
  readonly follower: DeploymentFollower;
  readonly lease: KeptLease;
  readonly chores: Chores;
  readonly acknowledgements: Acknowledgements;
  readonly mismatches: MismatchReports;
  readonly log: PredictionLog;
  readonly shadow: Shadow;
  readonly logger: Logger;
}

async function close({
  app,
  follower,
  lease,
  chores,
  acknowledgements,
  mismatches,
  log,
  shadow,
  logger,
}: Running): Promise<void> {
  const gaveUp = lease
    .end()
    .catch((caught: unknown) =>
      logger.warn({ reason: reasonOf(caught) }, 'the lease could not be given up; it runs out by itself'),
    );
  await app.close();
  await shadow.idle();
  await Promise.all([
    gaveUp,
    follower.stop(),
    acknowledgements.stop(),
    mismatches.stop(),
    chores.sweep.stop(),
    chores.tend.stop(),
  ]);
  // The last requests' counts and rows.
  await Promise.all([chores.tell.now(), log.close()]);
  await chores.tell.stop();
}
