import { and, desc, eq, lt, sql } from '../connection/orm.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { Id, Sha256 } from '../../contracts/identifiers.ts';
import { formattedModel } from '../../contracts/model-format.ts';
import type { ModelVersion } from '../../contracts/models/model-version.ts';
import type { VersionRepository } from '../../ports/repositories/version-repository.ts';
import { appendLedger } from '../ledger/append-ledger.ts';
import type { Executor, Transaction } from '../connection/connect.ts';
import { query, transact } from '../connection/connect.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import { environmentNow, lockModel } from '../connection/repository-context.ts';
import { expireRejected } from './expire-rejected.ts';
import { toInstant } from '../connection/instants.ts';
import { nextNumber } from '../connection/next-number.ts';
import { found, written } from '../connection/not-found.ts';
import { belowNumber, pageOf } from '../connection/paging.ts';
import { proveRun } from '../runs/prove-run.ts';
import { possessBlobs } from '../blobs/possess-blobs.ts';
import { leases } from '../runs/run-tables.ts';
import { ledger } from '../ledger/ledger-tables.ts';
import { modelVersions } from './version-tables.ts';
import { storableJson } from '../connection/storable.ts';

type Commit = Parameters<VersionRepository['commit']>;

function toModelVersion({ schemaVersion: _schemaVersion, ...row }: typeof modelVersions.$inferSelect): ModelVersion {
  return { ...row, ...formattedModel(row.format, row.signature), recordedAt: toInstant(row.recordedAt) };
}

export function createVersionRepository(context: RepositoryContext): VersionRepository {
  const { db } = context;
  return {
    byTrainingKey: (modelId, trainingKey) => query(db, () => byTrainingKey(db, modelId, trainingKey)),
    commit: (scope, version, holder) => transact(db, (tx) => commit(context, tx, scope, version, holder)),
    get: (id) =>
      query(db, async () => {
        const [row] = await db.select().from(modelVersions).where(eq(modelVersions.id, id));
        return toModelVersion(found(row, `there is no model version ${id}`, { modelVersionId: id }));
      }),
    byNumber: (modelId, number) =>
      query(db, async () => {
        const [row] = await db
          .select()
          .from(modelVersions)
          .where(and(eq(modelVersions.modelId, modelId), eq(modelVersions.number, number)));
        return toModelVersion(
          found(row, `the model has no version ${number}; \`perennial versions\` lists them`, { modelId, number }),
        );
      }),
    expireRejected: (scope, before, run) => transact(db, (tx) => expireRejected(context, tx, scope, before, run)),
    list: (modelId, page) =>
      query(db, async () => {
        const below = belowNumber(page);
        const rows = await db
          .select()
          .from(modelVersions)
          .where(
            and(eq(modelVersions.modelId, modelId), below === undefined ? undefined : lt(modelVersions.number, below)),
          )
          .orderBy(desc(modelVersions.number))
          .limit(page.limit + 1);
        return pageOf(rows, page, (row) => row.number, toModelVersion);
      }),
  };
}

async function byTrainingKey(tx: Executor, modelId: Id, trainingKey: Sha256): Promise<ModelVersion | undefined> {
  const [row] = await tx
    .select()
    .from(modelVersions)
    .where(and(eq(modelVersions.modelId, modelId), eq(modelVersions.trainingKey, trainingKey)));
  return row === undefined ? undefined : toModelVersion(row);
}

function bytesOf({ artifact, reference, files }: Commit[1]): readonly Sha256[] {
  return [artifact, reference, ...files.map(({ sha256 }) => sha256)];
}

async function commit(
  context: RepositoryContext,
  tx: Transaction,
  scope: Commit[0],
  version: Commit[1],
  { by, leaseHolder }: Commit[2],
): Promise<ModelVersion> {
  const { modelId } = scope;
  await proveRun(tx, scope, version.runId, 'build');
  await lockModel(tx, modelId);
  const first = await byTrainingKey(tx, modelId, version.trainingKey);
  if (first !== undefined) {
    await mustBeWhole(tx, first, version);
    await possessBlobs(tx, scope.project, bytesOf(first), by);
    return first;
  }
  await mustHold(tx, leaseHolder);
  await possessBlobs(tx, scope.project, bytesOf(version), by);
  const number = await nextNumber(tx, modelVersions, modelId);
  const [row] = await tx
    .insert(modelVersions)
    .values({
      ...version,
      id: context.ids.next(),
      modelId,
      number,
      scriptMetrics: storableJson(version.scriptMetrics),
      files: storableJson(version.files),
      recordedBy: by,
    })
    .returning();
  const made = toModelVersion(written(row));
  await appendLedger(context, tx, {
    modelId,
    environment: scope.environment,
    kind: 'version.trained',
    subject: {
      runId: made.runId,
      modelVersionId: made.id,
      number,
      artifact: made.artifact,
      trainingKey: made.trainingKey,
      datasetVersionId: made.datasetVersionId,
      codeVersionId: made.codeVersionId,
      configurationId: made.configurationId,
    },
    reason: `version ${number} trained on ${made.trained.trainingRows} rows`,
    effectiveAt: await environmentNow(context, tx, scope),
    by,
  });
  return made;
}

/**
 * Takes a shared lock on the lease, so that `takeLease` waits until this transaction ends but other commits under it do
 * not.
 */
async function mustHold(tx: Transaction, holder: string): Promise<void> {
  const [lease] = await tx.select({ name: leases.name }).from(leases).where(eq(leases.holder, holder)).for('share');
  if (lease === undefined)
    throw new PerennialError(
      'lease-lost',
      `attempt ${holder} no longer holds its lease; a newer attempt continues, and this one commits nothing`,
      { holder },
    );
}

/**
 * Throws `conflict` if an expired version was trained again with a different artifact, because the row names the old
 * bytes and does not change.
 */
async function mustBeWhole(tx: Transaction, first: ModelVersion, again: Commit[1]): Promise<void> {
  if (first.artifact === again.artifact) return;
  const [expired] = await tx
    .select({ sequence: ledger.sequence })
    .from(ledger)
    .where(
      and(
        eq(ledger.modelId, first.modelId),
        eq(ledger.kind, 'version.expired'),
        sql`${ledger.subject} ->> 'modelVersionId' = ${first.id}`,
      ),
    )
    .limit(1);
  if (expired === undefined) return;
  throw new PerennialError(
    'conflict',
    `version ${first.number} has the same training key, but retention removed its bytes, and training again produced different bytes: the script is not reproducible; change build.seed or the code to create a new version`,
    { version: first.number, artifact: first.artifact },
  );
}
