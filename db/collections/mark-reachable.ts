import { getTableName, is, PgTable, type SQL, sql } from '../connection/orm.ts';
import { uploadsKeptMs } from '../../contracts/runs/collection.ts';
import type { Id, Sha256 } from '../../contracts/identifiers.ts';
import type { Transaction } from '../connection/connect.ts';
import * as schema from '../schema.ts';

/**
 * Tables whose rows keep no blobs, because they hold no digests or only record the past. In every other table,
 * including ones added later, a digest anywhere in a row keeps the blob of that name. At worst a blob is kept
 * needlessly.
 */
const keepNothing: ReadonlySet<PgTable> = new Set<PgTable>([
  schema.ledger,
  schema.ledgerHeads,
  schema.fullProfiles,
  schema.blobs,
  schema.blobPossessions,
  schema.commands,
  schema.triggers,
  schema.apiKeys,
  schema.principals,
  schema.grants,
  schema.projects,
  schema.labels,
  schema.waitingLabels,
  schema.labelCorrections,
  schema.predictions,
  schema.leases,
  schema.runLogs,
  schema.runSteps,
  schema.runResults,
  schema.gateways,
  schema.acknowledgements,
  schema.servingCounts,
  schema.shadowCounts,
  schema.garbageCollections,
  schema.reachableBlobs,
  schema.collectedBlobs,
]);

/**
 * Condition: retention expired the version, no evaluation was made of it since (training it again would make one), and
 * no release pins it.
 */
export const letGo = (version: SQL) => sql`
  exists (select 1 from ledger l where l.kind = 'version.expired' and l.subject ->> 'modelVersionId' = ${version}::text
    and l.model_id = t.model_id
    and not exists (select 1 from evaluations e where e.model_version_id = ${version} and e.recorded_at > l.recorded_at))
  and not exists (select 1 from releases r where r.model_version_id = ${version})`;

/** Rows that no longer keep their blobs, by table. */
const keepsNoMore: ReadonlyMap<string, SQL> = new Map([
  ['model_versions', letGo(sql`t.id`)],
  // Such an evaluation describes bytes that are gone.
  ['evaluations', letGo(sql`t.model_version_id`)],
  // The rehearsal's run has ended, so nothing more is ingested.
  ['rehearsals', sql`exists (select 1 from runs r where r.id = t.run_id and r.ended_at is not null)`],
  ['runs', sql`coalesce(t.ended_at < now() - ${`${uploadsKeptMs} milliseconds`}::interval, false)`],
]);

const tables: readonly unknown[] = Object.values(schema);

export function tablesThatKeep(): readonly string[] {
  return tables
    .filter((table) => is(table, PgTable))
    .filter((table) => !keepNothing.has(table))
    .map((table) => getTableName(table))
    .toSorted();
}

/** Returns the blobs that a row of any table or a pending command references. */
export async function keptAmong(tx: Transaction, digests: readonly Sha256[]): Promise<ReadonlySet<Sha256>> {
  const named = sql.param([...digests]);
  const kept = new Set<Sha256>();
  const sources = tablesThatKeep().map(
    (name) =>
      sql`select t::text as words from ${sql.identifier(name)} t where not (${keepsNoMore.get(name) ?? sql`false`})`,
  );
  for (const source of [...sources, sql`select body::text as words from commands where status = 'pending'`]) {
    const { rows } = await tx.execute<{ sha256: Sha256 }>(sql`
      select distinct (found.digests)[1] as sha256
      from (${source}) kept(words), regexp_matches(kept.words, '[0-9a-f]{64}', 'g') found(digests)
      where (found.digests)[1] = any(${named}::text[])`);
    for (const { sha256 } of rows) kept.add(sha256);
  }
  return kept;
}

/** Inserts the digests that rows reference, one table per statement, so that memory stays bounded. */
export async function markReachable(tx: Transaction, collectionId: Id): Promise<void> {
  for (const name of tablesThatKeep())
    await tx.execute(sql`
      insert into reachable_blobs (collection_id, sha256)
      select distinct ${collectionId}::uuid, (named.digests)[1]
      from ${sql.identifier(name)} t, regexp_matches(t::text, '[0-9a-f]{64}', 'g') named(digests)
      where not (${keepsNoMore.get(name) ?? sql`false`})
      on conflict do nothing`);
}
