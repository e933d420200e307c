import { and, eq } from '../connection/orm.ts';
import type { Generation } from '../../contracts/serving/deployment.ts';
import { durationMs } from '../../contracts/time/duration.ts';
import type { Id, Scope } from '../../contracts/identifiers.ts';
import type { ServingEntry, ServingMismatch, ServingReading } from '../../ports/repositories/deployment-repository.ts';
import type { Transaction } from '../connection/connect.ts';
import { championOf, toGeneration } from '../deployments/generations.ts';
import type { RaisedEntry, ServedRelease } from '../deployments/proven-generations.ts';
import {
  lastProven,
  mismatchOf,
  newestRaised,
  environmentKey,
  readServedReleases,
} from '../deployments/proven-generations.ts';
import { environments, modelEnvironments } from '../environments/environment-tables.ts';
import { generations } from '../deployments/deployment-tables.ts';
import { models } from '../models/model-tables.ts';

/**
 * Reads each scope's newest generation, according to the environment's pointer, with what a gateway needs to serve it.
 * A generation that differs from the ledger is reported as a mismatch, and the newest one that matches is served
 * instead.
 */
export async function readServingTable(tx: Transaction): Promise<ServingReading> {
  const places = await readPlaces(tx);
  const raised = await newestRaised(
    tx,
    places.map((place) => place.scope),
  );
  const slots = places.flatMap((place) => place.generation?.slots ?? []);
  const served = await readServedReleases(tx, [...new Set(slots.map((slot) => slot.releaseId))]);
  const reading = { entries: Array<ServingEntry>(), idle: Array<Scope>(), mismatches: Array<ServingMismatch>() };
  for (const place of places) {
    const { scope, generation, pointer, virtual } = place;
    const entry = raised.get(environmentKey(scope));
    // Nothing was ever deployed in this scope.
    if (generation === undefined && entry === undefined && pointer === 0) continue;
    const reason = reasonAgainst(place, entry, served);
    if (reason !== undefined) reading.mismatches.push({ scope, generation: pointer, reason });
    const proven = reason === undefined && generation ? { generation, served } : await lastProven(tx, scope);
    if (proven === undefined) continue;
    // Nothing serves here: a first release was aborted or the model is archived.
    if (championOf(proven.generation) === undefined) reading.idle.push(scope);
    else reading.entries.push(entryOf(scope, proven.generation, proven.served, virtual));
  }
  return reading;
}

interface Place {
  readonly scope: Scope;
  /** Number of the newest generation according to the environment's row. */
  readonly pointer: number;
  readonly generation: Generation | undefined;
  readonly archived: boolean;
  readonly virtual: boolean;
}

async function readPlaces(tx: Transaction): Promise<readonly Place[]> {
  const rows = await tx
    .select({
      modelId: modelEnvironments.modelId,
      environment: modelEnvironments.environment,
      pointer: modelEnvironments.generation,
      generation: generations,
      project: models.project,
      model: models.name,
      archivedAt: models.archivedAt,
      clock: environments.clock,
    })
    .from(modelEnvironments)
    .leftJoin(
      generations,
      and(
        eq(generations.modelId, modelEnvironments.modelId),
        eq(generations.environment, modelEnvironments.environment),
        eq(generations.generation, modelEnvironments.generation),
      ),
    )
    .innerJoin(models, eq(models.id, modelEnvironments.modelId))
    .innerJoin(
      environments,
      and(eq(environments.project, models.project), eq(environments.name, modelEnvironments.environment)),
    )
    .orderBy(modelEnvironments.modelId, modelEnvironments.environment);
  return rows.map(({ modelId, environment, project, model, pointer, generation, archivedAt, clock }) => ({
    scope: { project, model, modelId, environment },
    pointer,
    generation: generation === null ? undefined : toGeneration(generation),
    archived: archivedAt !== null,
    virtual: clock === 'virtual',
  }));
}

function reasonAgainst(
  { scope, generation, pointer, archived }: Place,
  raised: RaisedEntry | undefined,
  served: ReadonlyMap<Id, ServedRelease>,
): string | undefined {
  if (generation === undefined) return `the database names generation ${pointer}, but does not have it`;
  if (archived && generation.slots.length > 0)
    return `the model is marked as archived, but the ledger says that generation ${pointer} serves`;
  return mismatchOf(scope, generation, raised, served);
}

function entryOf(
  scope: Scope,
  generation: Generation,
  served: ReadonlyMap<Id, ServedRelease>,
  virtual: boolean,
): ServingEntry {
  const champion = championOf(generation);
  const configuration = champion === undefined ? undefined : served.get(champion.releaseId)?.configuration;
  return {
    scope,
    generation,
    routingKey: configuration?.deploy.routingKey ?? null,
    log: configuration?.serve.log ?? { sample: 1, onFull: 'drop-counted' },
    shadowTolerance: shadowTolerance(generation, served),
    staleness: {
      maxMs: durationMs(configuration?.serve.maxStaleness ?? '10s'),
      onStale: configuration?.serve.onStale ?? 'say',
    },
    virtual,
    versions: generation.slots.flatMap((slot) => served.get(slot.releaseId)?.version ?? []),
  };
}

/** Returns the tolerance from the shadow's own configuration, because the champion's may predate this setting. */
function shadowTolerance({ slots }: Generation, served: ReadonlyMap<string, ServedRelease>): number {
  const shadow = slots.find((slot) => slot.role === 'shadow');
  const release = shadow === undefined ? undefined : served.get(shadow.releaseId);
  return release?.configuration.deploy.strategy.shadow?.tolerance ?? 0;
}
