import { and, asc, desc, eq, getTableColumns, gt, lt, sql } from '../connection/orm.ts';
import type { Configuration } from '../../contracts/configuration/configuration.ts';
import type { DatasetManifest, DatasetProfile, DatasetVersion } from '../../contracts/data/dataset-version.ts';
import { shiftInstant } from '../../contracts/time/shift-instant.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { Id, Instant, Scope } from '../../contracts/identifiers.ts';
import { scopeLabel, Sha256 } from '../../contracts/identifiers.ts';
import type { DatasetRepository } from '../../ports/repositories/dataset-repository.ts';
import { appendLedger } from '../ledger/append-ledger.ts';
import type { Executor, Transaction } from '../connection/connect.ts';
import { query, transact } from '../connection/connect.ts';
import { configurationOf } from '../models/configuration-of.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import { environmentNow, lockModel, lockScope } from '../connection/repository-context.ts';
import { decidedByRun } from '../runs/decided-by-run.ts';
import { toInstant } from '../connection/instants.ts';
import { nextNumber } from '../connection/next-number.ts';
import { found, written } from '../connection/not-found.ts';
import { belowNumber, pageOf } from '../connection/paging.ts';
import { proveRun } from '../runs/prove-run.ts';
import { possessBlobs } from '../blobs/possess-blobs.ts';
import { recordTrigger } from '../lifecycle/record-trigger.ts';
import { datasetVersions, fullProfiles } from './dataset-tables.ts';
import { modelEnvironments } from '../environments/environment-tables.ts';
import { storableJson } from '../connection/storable.ts';
import { inScope } from '../connection/in-scope.ts';

type Row = typeof datasetVersions.$inferSelect;
type Commit = Parameters<DatasetRepository['commit']>;

function toDatasetVersion({ schemaVersion: _schemaVersion, summaries: _summaries, ...row }: Row): DatasetVersion {
  return { ...row, recordedAt: toInstant(row.recordedAt) };
}

export function createDatasetRepository(context: RepositoryContext): DatasetRepository {
  const { db } = context;
  return {
    commit: (scope, version, run) => transact(db, (tx) => commit(context, tx, scope, version, run)),
    refuse: (scope, refusal, run) => transact(db, (tx) => refuse(context, tx, scope, refusal, run)),
    quarantine: ({ modelId, runId }) =>
      query(db, async () => {
        const refused = await decidedByRun(db, modelId, 'dataset.refused', runId);
        const quarantine = Sha256.safeParse(refused?.quarantine);
        return found(quarantine.data, noQuarantine(runId, refused !== undefined), { runId });
      }),
    get: (id) => query(db, async () => toDatasetVersion(await read(db, id))),
    summaries: (id) => query(db, async () => (await read(db, id)).summaries ?? []),
    byNumber: (modelId, number) =>
      query(db, async () => {
        const [row] = await db
          .select(versionColumns)
          .from(datasetVersions)
          .where(and(eq(datasetVersions.modelId, modelId), eq(datasetVersions.number, number)));
        return toDatasetVersion(
          found(row, `the model has no dataset version ${number}; \`perennial data log\` lists them`, {
            modelId,
            number,
          }),
        );
      }),
    list: (modelId, page) =>
      query(db, async () => {
        const below = belowNumber(page);
        const rows = await db
          .select({ ...getTableColumns(datasetVersions), profile: sql<null>`null`, summaries: sql<null>`null` })
          .from(datasetVersions)
          .where(
            and(
              eq(datasetVersions.modelId, modelId),
              below === undefined ? undefined : lt(datasetVersions.number, below),
            ),
          )
          .orderBy(desc(datasetVersions.number))
          .limit(page.limit + 1);
        return pageOf(rows, page, (row) => row.number, toDatasetVersion);
      }),
    head: (scope) =>
      query(db, async () => {
        const [row] = await db
          .select(versionColumns)
          .from(modelEnvironments)
          .innerJoin(datasetVersions, eq(datasetVersions.id, modelEnvironments.datasetVersionId))
          .where(inScope(modelEnvironments, scope));
        return row === undefined ? undefined : toDatasetVersion(row);
      }),
    partlyProfiled: (after) =>
      query(db, async () => {
        const isOutdated = sql`jsonb_exists(${datasetVersions.profile}, 'asOf') and not exists (select 1 from ${fullProfiles} where ${fullProfiles.datasetVersionId} = ${datasetVersions.id})`;
        const [row] = await db
          .select(versionColumns)
          .from(modelEnvironments)
          .innerJoin(datasetVersions, eq(datasetVersions.id, modelEnvironments.datasetVersionId))
          .where(and(isOutdated, after === null ? undefined : gt(datasetVersions.id, after)))
          .orderBy(asc(datasetVersions.id))
          .limit(1);
        return row === undefined ? undefined : toDatasetVersion(row);
      }),
    recordFullProfile: (id, profile) =>
      query(db, async () => {
        await db
          .insert(fullProfiles)
          .values({ datasetVersionId: id, profile: storableJson(profile) })
          .onConflictDoNothing();
      }),
  };
}

/** The columns of a version, with its full profile if one was made later. */
const versionColumns = {
  ...getTableColumns(datasetVersions),
  profile:
    sql<DatasetProfile | null>`coalesce((select full_profiles.profile from full_profiles where full_profiles.dataset_version_id = ${datasetVersions.id}), ${datasetVersions.profile})`.as(
      'profile',
    ),
};

async function read(tx: Executor, id: Id): Promise<Row> {
  const [row] = await tx.select(versionColumns).from(datasetVersions).where(eq(datasetVersions.id, id));
  return found(row, `there is no dataset version ${id}`, { datasetVersionId: id });
}

async function commit(
  context: RepositoryContext,
  tx: Transaction,
  scope: Commit[0],
  version: Commit[1],
  run: Commit[2],
): ReturnType<DatasetRepository['commit']> {
  const heads = await lockScope(tx, scope, null);
  await proveRun(tx, scope, run.runId, 'data');
  const { datasetVersionId: head } = heads;
  const decided = await decidedByRun(tx, scope.modelId, 'dataset.committed', run.runId);
  if (decided !== undefined)
    return { version: toDatasetVersion(await read(tx, String(decided.datasetVersionId))), unchanged: false };
  const current = head === null ? undefined : await read(tx, head);
  if (current?.digest === version.digest) return { version: toDatasetVersion(current), unchanged: true };
  if (head !== run.expectedHead) throw headMoved(scope, current);
  const row = await ensureVersion(context, tx, scope, version, run);
  await tx.update(modelEnvironments).set({ datasetVersionId: row.id }).where(inScope(modelEnvironments, scope));
  const now = await environmentNow(context, tx, scope);
  const readable = reachesWindow(version.manifest, await configurationOf(tx, heads), now);
  const reason = `${changeOf(version)}${readable ? '' : '; all rows are older than data.window, so no build is triggered'}`;
  await appendLedger(context, tx, {
    modelId: scope.modelId,
    environment: scope.environment,
    kind: 'dataset.committed',
    subject: {
      runId: run.runId,
      datasetVersionId: row.id,
      number: row.number,
      digest: row.digest,
      rowsAdded: version.rowsAdded,
      rowsSkipped: version.rowsSkipped,
      rowsReplaced: version.rowsReplaced ?? 0,
      rowsRemoved: version.rowsRemoved ?? 0,
      previousDatasetVersionId: head,
      fetched: version.fetched ?? null,
    },
    reason,
    effectiveAt: now,
    by: run.by,
  });
  if (readable && version.rowsAdded + (version.rowsReplaced ?? 0) + (version.rowsRemoved ?? 0) > 0) {
    // The run is part of the fingerprint, because rows committed again after a rollback of the head count as new data.
    await recordTrigger(context, tx, scope, {
      kind: 'new-data',
      reason: `dataset ${row.number}: ${reason}`,
      fingerprint: `${row.digest} by ${run.runId}`,
      by: run.by,
    });
  }
  return { version: toDatasetVersion(row), unchanged: false };
}

/**
 * Returns whether a build started now would read any of the rows. Older history is ingested for rehearsals and triggers
 * no build.
 */
function reachesWindow({ parts }: DatasetManifest, configuration: Configuration | undefined, now: Instant): boolean {
  const { window, timezone } = configuration?.data ?? {};
  if (window === undefined || timezone === undefined) return true;
  const from = Date.parse(shiftInstant(now, window, -1, timezone));
  return parts.some(({ to }) => to === undefined || Date.parse(to) >= from);
}

function changeOf({ rowsAdded, rowsSkipped, rowsReplaced = 0, rowsRemoved = 0 }: Commit[1]): string {
  return [
    `${rowsAdded} rows added`,
    ...(rowsReplaced === 0 ? [] : [`${rowsReplaced} replaced`]),
    ...(rowsRemoved === 0 ? [] : [`${rowsRemoved} removed`]),
    `${rowsSkipped} already known`,
  ].join(', ');
}

function noQuarantine(runId: Id, isRefused: boolean): string {
  return isRefused
    ? `run ${runId} was refused because of the dataset as a whole and not because of single rows, so no rows are quarantined`
    : `run ${runId} has no quarantined rows, because it refused no rows`;
}

function headMoved(scope: Scope, current: Row | undefined): PerennialError {
  const now = current === undefined ? 'there is no dataset now' : `it is dataset ${current.number} now`;
  return new PerennialError(
    'conflict',
    `the data head of ${scopeLabel(scope)} moved while the batch was prepared: ${now}; ingest the files again (rows that are already known are skipped)`,
    {
      model: scope.model,
      environment: scope.environment,
      head: current?.id ?? null,
    },
  );
}

async function ensureVersion(
  context: RepositoryContext,
  tx: Transaction,
  scope: Scope,
  version: Commit[1],
  run: Commit[2],
): Promise<Row> {
  const { modelId } = scope;
  await lockModel(tx, modelId);
  const bytes = [...version.manifest.parts, ...(version.fetched ?? [])].map(({ sha256 }) => sha256);
  await possessBlobs(tx, scope.project, bytes, run.by);
  const [known] = await tx
    .select(versionColumns)
    .from(datasetVersions)
    .where(and(eq(datasetVersions.modelId, modelId), eq(datasetVersions.digest, version.digest)));
  if (known !== undefined) return known;
  const number = await nextNumber(tx, datasetVersions, modelId);
  const { digest, manifest, rowsAdded, rowsSkipped, rowsReplaced = 0, rowsRemoved = 0 } = version;
  const [made] = await tx
    .insert(datasetVersions)
    .values({
      id: context.ids.next(),
      modelId,
      number,
      digest,
      manifest,
      profile: storableJson(version.profile),
      summaries: [...(version.summaries ?? [])],
      expectations: storableJson([...version.expectations]),
      warnings: storableJson([...(version.warnings ?? [])]),
      rowsAdded,
      rowsSkipped,
      rowsReplaced,
      rowsRemoved,
      runId: run.runId,
      recordedBy: run.by,
    })
    .returning();
  return written(made);
}

async function refuse(
  context: RepositoryContext,
  tx: Transaction,
  ...[scope, refusal, run]: Parameters<DatasetRepository['refuse']>
): Promise<void> {
  await lockScope(tx, scope, null);
  await proveRun(tx, scope, run.runId, 'data');
  if ((await decidedByRun(tx, scope.modelId, 'dataset.refused', run.runId)) !== undefined) return;
  await possessBlobs(tx, scope.project, [refusal.quarantine], run.by);
  const broken = refusal.expectations.filter((result) => result.severity === 'error' && result.violations > 0);
  await appendLedger(context, tx, {
    modelId: scope.modelId,
    environment: scope.environment,
    kind: 'dataset.refused',
    subject: {
      runId: run.runId,
      quarantine: refusal.quarantine,
      rows: refusal.rows,
      expectations: refusal.expectations,
    },
    reason:
      broken
        .map(({ column, check, violations }) =>
          column === null ? `dataset ${check}` : `${column} ${check}: ${violations} rows`,
        )
        .join('; ') || 'refused',
    effectiveAt: await environmentNow(context, tx, scope),
    by: run.by,
  });
}
