import type { FastifyInstance } from 'fastify';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Id } from '../contracts/identifiers.ts';
import type { Clock } from '../ports/clock.ts';
import type { IdMaker } from '../ports/ids.ts';
import type { Logger } from '../ports/logger.ts';
import type { ModelFormats } from '../ports/model-format.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import type { Repositories } from '../ports/repositories/repositories.ts';
import type { TableEngine } from '../ports/table-engine.ts';
import { Acknowledgements } from './following/acknowledgements.ts';
import { createArtifactCache } from './serving/artifact-cache.ts';
import { KeyTable } from './key-table.ts';
import { startChores } from './chores.ts';
import { claimFolder } from './claim-folder.ts';
import type { Drain } from './close-gateway.ts';
import { closeGateway } from './close-gateway.ts';
import { GatewayDisk } from './log/gateway-disk.ts';
import { DeploymentFollower } from './following/follow-deployments.ts';
import { Bodies } from './protocols/bodies.ts';
import { BodyBudget } from './protocols/body-budget.ts';
import { Inference } from './serving/inference.ts';
import type { KeptLease } from './following/keep-lease.ts';
import { keepLease } from './following/keep-lease.ts';
import { createLoadedModels } from './serving/loaded-models.ts';
import { GatewayMetrics } from './gateway-metrics.ts';
import { MismatchReports } from './following/mismatch-reports.ts';
import type { PredictionLogLimits } from './log/prediction-log.ts';
import { PredictionLog } from './log/prediction-log.ts';
import type { WriteBytes } from './log/segment-file.ts';
import { buildGateway } from './build-gateway.ts';
import { ServingCounts } from './log/serving-counts.ts';
import { Shadow } from './serving/shadow.ts';
import { ShadowCounts } from './log/shadow-counts.ts';
import { ServingTable } from './serving/serving-table.ts';
import { GatewayState } from './following/gateway-state.ts';

export interface GatewayParts {
  /**
   * Folder for the gateway's state: unsent data, and copies of what it needs to serve without a database. Each gateway
   * needs its own folder.
   */
  readonly folder: string;
  readonly listen: { readonly host: string; readonly port: number };
  /** Address that the gateway announces; `undefined`: the address it listens on. */
  readonly address: string | undefined;
  readonly repositories: Pick<Repositories, 'deployments' | 'principals' | 'monitoring'>;
  readonly objectStore: ObjectStore;
  readonly modelFormats: ModelFormats;
  readonly tableEngine: Pick<TableEngine, 'sealSegment'>;
  readonly clock: Clock;
  readonly ids: IdMaker;
  readonly logger: Logger;
  readonly steadyNow: () => number;
  /** Returns a random number in [0, 1). */
  readonly random: () => number;
  readonly logLimits?: Partial<PredictionLogLimits>;
  /** Writes the prediction log. Default: `write` of `node:fs`. */
  readonly writeLog?: WriteBytes;
  /** Bytes of large bodies that are held at a time. Default: 512 MiB. */
  readonly bodyBytesAtMost?: number;
}

export interface RunningGateway {
  readonly address: string;
  /**
   * Stops being ready immediately, keeps answering for the length of `drain` (default: none), and then uploads what it
   * can. Segments that cannot be uploaded stay on disk.
   */
  close(drain?: Drain): Promise<void>;
}

/**
 * Starts a gateway, which serves predictions, follows the deployments in the database whenever it is reachable, and
 * uploads the rows that it logs.
 */
export async function startGateway(parts: GatewayParts): Promise<RunningGateway> {
  const { repositories, logger, steadyNow } = parts;
  const letGo = claimFolder(parts.folder);
  // Leftovers of a gateway that was killed: the claim guarantees that no other gateway uses them.
  await rm(join(parts.folder, 'scratch'), { recursive: true, force: true, maxRetries: 3 });
  const disk = new GatewayDisk(parts.folder, logger);
  const state = new GatewayState(parts.folder, logger, disk);
  const id = await state.identity(parts.ids);
  const acknowledgements = new Acknowledgements({ deployments: repositories.deployments, gatewayId: id, logger });
  const mismatches = new MismatchReports({ deployments: repositories.deployments, gatewayId: id, logger });
  const artifacts = createArtifactCache(state.path('artifacts'), state.path('scratch'), parts.objectStore, disk);
  const models = createLoadedModels({ artifacts, formats: parts.modelFormats, logger });
  const table = new ServingTable({
    models,
    logger,
    steadyNow,
    onLoaded: (result) => acknowledgements.add(result),
    onMismatches: (found) => mismatches.set(found),
  });
  const keys = new KeyTable(parts.clock);
  const log = await openLog(parts, state, disk, id);
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
  const { deployments } = repositories;
  const tended = { gatewayId: id, deployments, logger, table, artifacts, log, counts, shadowCounts, state, disk };
  const chores = startChores(tended);
  const leaving = new AbortController();
  const held = Promise.withResolvers<KeptLease>();
  const tellCounts = async (): Promise<void> => {
    // The database accepts counts only from gateways that have held a lease.
    await (await held.promise).now();
    await chores.tell.done();
  };
  const app = buildServer(parts, {
    table,
    keys,
    log,
    disk,
    counts,
    shadow,
    follower,
    tellCounts,
    leaving: leaving.signal,
  });
  // The keys must be loaded before the server listens, so that callers can be authenticated.
  await follower.start();
  const listening = await app.listen(parts.listen);
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
  const running = { app, follower, lease, chores, acknowledgements, mismatches, log, shadow, logger };
  return {
    address: listening,
    close(drain = { milliseconds: 0 }) {
      leaving.abort();
      return closeGateway(running, drain).finally(letGo);
    },
  };
}

async function openLog(
  parts: GatewayParts,
  state: GatewayState,
  disk: GatewayDisk,
  gatewayId: Id,
): Promise<PredictionLog> {
  const { tableEngine, objectStore, ids, logger, steadyNow } = parts;
  const { monitoring } = parts.repositories;
  const log = new PredictionLog({
    folder: state.path('segments'),
    disk,
    gatewayId,
    tableEngine,
    objectStore,
    monitoring,
    ids,
    logger,
    steadyNow,
    limits: parts.logLimits,
    writeBytes: parts.writeLog,
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
  readonly disk: GatewayDisk;
  readonly leaving: AbortSignal;
}

function buildServer(parts: GatewayParts, served: Served): FastifyInstance {
  const { table, keys, log, disk, counts, shadow, follower, tellCounts, leaving } = served;
  const metrics = new GatewayMetrics({
    staleSeconds: () => follower.staleSeconds(),
    diskFull: () => disk.problem !== undefined,
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
    bodies: new Bodies(),
    bodyBudget: new BodyBudget(parts.bodyBytesAtMost),
    inference: new Inference({ table, log, counts, metrics, shadow, clock, ids, steadyNow, random }),
    metrics,
    logger,
    leaving,
    writingProblem: () => log.problem,
    staleSeconds: () => follower.staleSeconds(),
    lookAgain: () => follower.lookAgain(),
    flush: async (scope) => {
      await shadow.idle();
      await log.flush(scope);
      await tellCounts();
    },
  });
}
