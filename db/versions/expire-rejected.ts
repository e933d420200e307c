import { and, asc, eq, inArray, lt, notInArray, sql } from '../connection/orm.ts';
import type { Id, Instant, Scope, Sha256 } from '../../contracts/identifiers.ts';
import { appendLedger } from '../ledger/append-ledger.ts';
import type { Transaction } from '../connection/connect.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import { environmentNow, lockModel } from '../connection/repository-context.ts';
import { toDate } from '../connection/instants.ts';
import { proveRun } from '../runs/prove-run.ts';
import { letGoOfBlobs } from '../blobs/possess-blobs.ts';
import { modelVersions } from './version-tables.ts';

const atOnce = 100;

type Version = Pick<typeof modelVersions.$inferSelect, 'id' | 'number' | 'artifact' | 'files'>;

/**
 * Implements `VersionRepository.expireRejected`. A ledger entry records each expiry; the version's row stays unchanged.
 */
export async function expireRejected(
  context: RepositoryContext,
  tx: Transaction,
  scope: Scope,
  before: Instant,
  { runId, by }: { readonly runId: Id; readonly by: Id },
): Promise<readonly Sha256[]> {
  await proveRun(tx, scope, runId, 'build');
  await lockModel(tx, scope.modelId);
  const expired = await expirable(tx, scope, before);
  if (expired.length === 0) return [];
  const effectiveAt = await environmentNow(context, tx, scope);
  for (const { id, number, artifact } of expired) {
    await appendLedger(context, tx, {
      modelId: scope.modelId,
      environment: scope.environment,
      kind: 'version.expired',
      subject: { modelVersionId: id, number, artifact, before },
      reason: `version ${number} was rejected before ${before}: its retention has passed`,
      effectiveAt,
      by,
    });
  }
  return letGoOfBlobs(tx, scope.project, await unshared(tx, expired), toDate(context.clock.now()));
}

async function expirable(tx: Transaction, scope: Scope, before: Instant): Promise<readonly Version[]> {
  const evaluated = sql`exists (select 1 from evaluations e where e.model_version_id = ${modelVersions.id})`;
  const worthKeeping = sql`exists (select 1 from evaluations e where e.model_version_id = ${modelVersions.id} and (e.body ->> 'verdict' <> 'rejected' or e.recorded_at >= ${before}::timestamptz))`;
  const released = sql`exists (select 1 from releases r where r.model_version_id = ${modelVersions.id})`;
  // Excludes versions that expired before, unless a later evaluation shows that they were trained again.
  const gone = sql`exists (select 1 from ledger l where l.model_id = ${modelVersions.modelId} and l.kind = 'version.expired' and l.subject ->> 'modelVersionId' = ${modelVersions.id}::text
    and not exists (select 1 from evaluations e where e.model_version_id = ${modelVersions.id} and e.recorded_at > l.recorded_at))`;
  return tx
    .select({
      id: modelVersions.id,
      number: modelVersions.number,
      artifact: modelVersions.artifact,
      files: modelVersions.files,
    })
    .from(modelVersions)
    .where(
      and(
        eq(modelVersions.modelId, scope.modelId),
        lt(modelVersions.recordedAt, toDate(before)),
        evaluated,
        sql`not ${worthKeeping}`,
        sql`not ${released}`,
        sql`not ${gone}`,
      ),
    )
    .orderBy(asc(modelVersions.number))
    .limit(atOnce);
}

/** Returns the digests that no other version names. Versions of any model may share a blob. */
async function unshared(tx: Transaction, expired: readonly Version[]): Promise<readonly Sha256[]> {
  const digests = [
    ...new Set(expired.flatMap(({ artifact, files }) => [artifact, ...files.map((file) => file.sha256)])),
  ];
  const others = notInArray(
    modelVersions.id,
    expired.map((version) => version.id),
  );
  const artifacts = await tx
    .select({ sha256: modelVersions.artifact })
    .from(modelVersions)
    .where(and(others, inArray(modelVersions.artifact, digests)));
  const listed = sql.param(digests);
  const files = await tx
    .select({ sha256: sql<string>`f.file ->> 'sha256'` })
    .from(sql`${modelVersions}, jsonb_array_elements(${modelVersions.files}) f(file)`)
    .where(and(others, sql`f.file ->> 'sha256' = any(${listed}::text[])`));
  const shared = new Set([...artifacts, ...files].map((row) => row.sha256));
  return digests.filter((sha256) => !shared.has(sha256)).toSorted();
}
