import { and, eq, inArray, isNull } from 'drizzle-orm';
import type { Configuration } from '../contracts/configuration.ts';
import type { Generation } from '../contracts/deployment.ts';
import { durationMs } from '../contracts/duration.ts';
import type { ServingEntry } from '../ports/repositories/deployments.ts';
import type { Transaction } from './connection.ts';
import { championOf, toGeneration } from './generations.ts';
import {
  configurations,
  environments,
  generations,
  modelEnvironments,
  models,
  modelVersions,
  releases,
} from './schema.ts';

/** The newest generation of every scope, by the pointer, with what a gateway needs to serve it. */
export async function readServingTable(tx: Transaction): Promise<readonly ServingEntry[]> {
  const rows = await tx
    .select({
      generation: generations,
      project: models.project,
      model: models.name,
      clock: environments.clock,
    })
    .from(modelEnvironments)
    .innerJoin(
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
    .where(isNull(models.archivedAt))
    .orderBy(modelEnvironments.modelId, modelEnvironments.environment);
  const releaseIds = [...new Set(rows.flatMap((row) => row.generation.slots.map((slot) => slot.releaseId)))];
  const served = await readReleases(tx, releaseIds);
  return rows.flatMap((row) => {
    const generation = toGeneration(row.generation);
    const { modelId, environment } = generation;
    const champion = championOf(generation);
    // A first release that was taken back: nothing serves there.
    if (champion === undefined) return [];
    const configuration = served.get(champion.releaseId)?.configuration;
    const entry: ServingEntry = {
      scope: { project: row.project, model: row.model, modelId, environment },
      generation,
      routingKey: configuration?.deploy.routingKey ?? null,
      log: configuration?.serve.log ?? { sample: 1, onFull: 'drop-counted' },
      shadowTolerance: shadowTolerance(generation, served),
      staleness: {
        maxMs: durationMs(configuration?.serve.maxStaleness ?? '10s'),
        onStale: configuration?.serve.onStale ?? 'say',
      },
      virtual: row.clock === 'virtual',
      versions: generation.slots.flatMap((slot) => served.get(slot.releaseId)?.version ?? []),
    };
    return [entry];
  });
}

/** What the shadow is compared by is its own release's to say: the champion's may be older than the key. */
function shadowTolerance({ slots }: Generation, served: ReadonlyMap<string, ServedRelease>): number {
  const shadow = slots.find((slot) => slot.role === 'shadow');
  const release = shadow === undefined ? undefined : served.get(shadow.releaseId);
  return release?.configuration.deploy.strategy.shadow?.tolerance ?? 0;
}

interface ServedRelease {
  readonly configuration: Configuration;
  readonly version: ServingEntry['versions'][number];
}

async function readReleases(tx: Transaction, ids: readonly string[]): Promise<ReadonlyMap<string, ServedRelease>> {
  if (ids.length === 0) return new Map();
  const rows = await tx
    .select({ id: releases.id, digest: releases.digest, configuration: configurations.body, version: modelVersions })
    .from(releases)
    .innerJoin(configurations, eq(configurations.id, releases.configurationId))
    .innerJoin(modelVersions, eq(modelVersions.id, releases.modelVersionId))
    .where(inArray(releases.id, [...ids]));
  return new Map(
    rows.map(({ id, digest, configuration, version }) => [
      id,
      {
        configuration,
        version: {
          id: version.id,
          number: version.number,
          artifact: version.artifact,
          signature: version.signature,
          releaseDigest: digest,
        },
      },
    ]),
  );
}
