import { getTableName, is, PgTable, type SQL, sql } from '../connection/orm.ts';
import { uploadsKeptMs } from '../../contracts/runs/collection.ts';
import type { Id, Sha256 } from '../../contracts/identifiers.ts';
import type { Transaction } from '../connection/connect.ts';
import * as schema from '../schema.ts';

/**
 * Tables whose rows keep no bytes: they have no digest, or only say what there was. Every other table does, whatever is
 * added to it: a row that names a digest anywhere keeps the blob of that name, and at worst one too many is kept.
 */
const keepNothing: ReadonlySet<PgTable> = new Set<PgTable>([
  schema.ledger,
  schema.ledgerHeads,
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

/** Retention let the version go, and no build has evaluated it since, as one that trained it again would have. */
export const letGo = (version: SQL) => sql`
  exists (select 1 from ledger l where l.kind = 'version.expired' and l.subject ->> 'modelVersionId' = ${version}::text
    and l.model_id = t.model_id
    and not exists (select 1 from evaluations e where e.model_version_id = ${version} and e.recorded_at > l.recorded_at))
  and not exists (select 1 from releases r where r.model_version_id = ${version})`;

/** Rows that keep nothing any more, by table. */
const keepsNoMore: ReadonlyMap<string, SQL> = new Map([
  ['model_versions', letGo(sql`t.id`)],
  // It tells what was measured of bytes that are gone.
  ['evaluations', letGo(sql`t.model_version_id`)],
  // The run that it belongs to is over, so nothing is ingested any more.
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

/** Those of the blobs that a row of any table or a pending command references. */
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

/** Writes the name of every blob that a row keeps, table by table, so that memory does not grow with them. */
export async function markReachable(tx: Transaction, collectionId: Id): Promise<void> {
  for (const name of tablesThatKeep())
    await tx.execute(sql`
      insert into reachable_blobs (collection_id, sha256)
      select distinct ${collectionId}::uuid, (named.digests)[1]
      from ${sql.identifier(name)} t, regexp_matches(t::text, '[0-9a-f]{64}', 'g') named(digests)
      where not (${keepsNoMore.get(name) ?? sql`false`})
      on conflict do nothing`);
}
