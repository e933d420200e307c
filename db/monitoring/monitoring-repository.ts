import type { SQL } from '../connection/orm.ts';
import { and, asc, desc, eq, gte, inArray, lt, sql } from '../connection/orm.ts';
import type { Id, Instant, Scope, Sha256 } from '../../contracts/identifiers.ts';
import { mergeLatencies } from '../../contracts/models/latency.ts';
import type { PredictionSegment } from '../../contracts/serving/prediction.ts';
import type { Finding } from '../../contracts/monitoring/report.ts';
import type { MonitoringRepository } from '../../ports/repositories/monitoring-repository.ts';
import { appendLedger } from '../ledger/append-ledger.ts';
import { commitReport, selectOpenFindings, toReport } from './commit-report.ts';
import type { Database, Transaction } from '../connection/connect.ts';
import { query, transact } from '../connection/connect.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import { environmentNow, lockScope } from '../connection/repository-context.ts';
import { toDate, toInstant, toInstantOrNull } from '../connection/instants.ts';
import { addLabels, hasUnknown } from '../labels/add-labels.ts';
import { indexPredictions } from '../labels/index-predictions.ts';
import { listCorrections } from '../labels/list-corrections.ts';
import { selectLabels } from '../labels/select-labels.ts';
import { hasLabels } from '../labels/has-labels.ts';
import { countWaiting } from '../labels/waiting-labels.ts';
import { found } from '../connection/not-found.ts';
import { belowId, pageOf } from '../connection/paging.ts';
import { proveRun } from '../runs/prove-run.ts';
import { letGoOfBlobs } from '../blobs/possess-blobs.ts';
import { deleteSummaries, insertSummaries, summariesOf } from './segment-summaries.ts';
import type { findings } from './monitoring-tables.ts';
import { predictionSegments } from '../labels/label-tables.ts';
import { reports } from './monitoring-tables.ts';
import { servingCounts } from '../gateways/gateway-tables.ts';
import { inScope } from '../connection/in-scope.ts';

/** Limits the size of the ledger entry that records an expiry. */
const segmentsAtOnce = 200;
const rowsAtOnce = 50_000;

type SegmentRow = typeof predictionSegments.$inferSelect;

function toSegment({
  fromAt,
  toAt,
  recordedAt,
  indexed: _indexed,
  repeated: _repeated,
  ...rest
}: SegmentRow): PredictionSegment {
  return { ...rest, from: toInstant(fromAt), to: toInstant(toAt), recordedAt: toInstant(recordedAt) };
}

function toFinding(row: typeof findings.$inferSelect): Finding {
  const { recordedAt: _recordedAt, recordedBy: _recordedBy, ...rest } = row;
  return {
    ...rest,
    openedAt: toInstant(row.openedAt),
    clearSince: toInstantOrNull(row.clearSince),
    closedAt: toInstantOrNull(row.closedAt),
  };
}

export function createMonitoringRepository(context: RepositoryContext): MonitoringRepository {
  const { db } = context;
  return {
    ...segmentsOf(context),
    ...labelsOf(context),
    ...summariesOf(context),
    traffic: (scope) =>
      query(db, async () => {
        const { requests, errors, latency } = servingCounts;
        const here = inScope(servingCounts, scope);
        const rows = await db.select({ requests, errors, latency }).from(servingCounts).where(here);
        return {
          requests: rows.reduce((sum, row) => sum + row.requests, 0),
          errors: rows.reduce((sum, row) => sum + row.errors, 0),
          latency: [...mergeLatencies(rows.map((row) => row.latency))],
        };
      }),
    openFindings: (scope) => query(db, async () => (await selectOpenFindings(db, scope)).map(toFinding)),
    commitReport: (scope, report, verdicts, run) =>
      transact(db, (tx) => commitReport(context, tx, scope, report, verdicts, run)),
    report: (id) =>
      query(db, async () => {
        const [row] = await db.select().from(reports).where(eq(reports.id, id));
        return toReport(found(row, `there is no report ${id}; \`perennial reports\` lists them`, { reportId: id }));
      }),
    reports: (scope, page) =>
      query(db, async () => {
        const below = belowId(page);
        const here = inScope(reports, scope);
        const rows = await db
          .select()
          .from(reports)
          .where(and(here, below === undefined ? undefined : lt(reports.id, below)))
          .orderBy(desc(reports.id))
          .limit(page.limit + 1);
        return pageOf(rows, page, (row) => row.id, toReport);
      }),
  };
}

function segmentsOf(
  context: RepositoryContext,
): Pick<MonitoringRepository, 'addSegment' | 'segments' | 'expireSegments'> {
  const { db } = context;
  return {
    addSegment: ({ from, to, ...segment }, index, summary) =>
      transact(db, async (tx) => {
        const added = await tx
          .insert(predictionSegments)
          .values({ ...segment, fromAt: toDate(from), toAt: toDate(to), indexed: true })
          .onConflictDoNothing({ target: predictionSegments.id })
          .returning({ id: predictionSegments.id });
        if (added.length === 0) return;
        const repeated = await indexPredictions(context, tx, segment, index);
        await tx.update(predictionSegments).set({ repeated }).where(eq(predictionSegments.id, segment.id));
        if (summary !== undefined)
          await insertSummaries(tx, segment, summary.key, new Map([[segment.sha256, summary.summary]]));
      }),
    segments: (scope, from, to) =>
      query(db, async () => {
        // A segment includes rows at both of its ends; the window excludes its upper end.
        const overlap = and(
          inScope(predictionSegments, scope),
          lt(predictionSegments.fromAt, toDate(to)),
          gte(predictionSegments.toAt, toDate(from)),
        );
        const rows = await db
          .select()
          .from(predictionSegments)
          .where(overlap)
          .orderBy(asc(predictionSegments.fromAt), asc(predictionSegments.id));
        return rows.map(toSegment);
      }),
    expireSegments: (scope, before, run) => transact(db, (tx) => expireSegments(context, tx, scope, before, run)),
  };
}

/**
 * Deletes expired segments. The ledger entry describes them and names their bytes, in case removing these is
 * interrupted.
 */
async function expireSegments(
  context: RepositoryContext,
  tx: Transaction,
  scope: Scope,
  before: Instant,
  { runId, by }: { readonly runId: Id; readonly by: Id },
): Promise<readonly Sha256[]> {
  await lockScope(tx, scope, null);
  await proveRun(tx, scope, runId, 'monitor');
  const old = await tx
    .select({ id: predictionSegments.id })
    .from(predictionSegments)
    .where(and(inScope(predictionSegments, scope), lt(predictionSegments.toAt, toDate(before))))
    .orderBy(asc(predictionSegments.toAt))
    .limit(segmentsAtOnce)
    .for('update');
  if (old.length === 0) return [];
  const ids = old.map((row) => row.id);
  const gone = await tx.delete(predictionSegments).where(inArray(predictionSegments.id, ids)).returning();
  const named = [...new Set(gone.map((row) => row.sha256))].toSorted();
  await deleteSummaries(tx, scope, named);
  const shared = await tx
    .selectDistinct({ sha256: predictionSegments.sha256 })
    .from(predictionSegments)
    .where(inArray(predictionSegments.sha256, named));
  const still = new Set(shared.map((row) => row.sha256));
  const rows = gone.reduce((sum, row) => sum + row.rows, 0);
  await appendLedger(context, tx, {
    modelId: scope.modelId,
    environment: scope.environment,
    kind: 'predictions.expired',
    subject: { before, rows, segments: gone.map(({ id, sha256 }) => ({ id, sha256 })) },
    reason: `${rows} predictions in ${gone.length} segments from before ${before}: their retention has passed`,
    effectiveAt: await environmentNow(context, tx, scope),
    by,
  });
  const unnamed = named.filter((sha256) => !still.has(sha256));
  return letGoOfBlobs(tx, scope.project, unnamed, toDate(context.clock.now()));
}

function labelsOf(
  context: RepositoryContext,
): Pick<
  MonitoringRepository,
  'hasUnknown' | 'addLabels' | 'corrections' | 'labels' | 'hasLabels' | 'waitingLabels' | 'expireLabels' | 'expireIndex'
> {
  const { db } = context;
  return {
    hasUnknown: (scope, given) => transact(db, (tx) => hasUnknown(tx, scope, given)),
    addLabels: (scope, given, by) => transact(db, (tx) => addLabels(context, tx, scope, given, by)),
    corrections: (scope, sequence, page) => query(db, () => listCorrections(db, scope, sequence, page)),
    labels: (scope, ids) => query(db, () => selectLabels(db, scope, ids)),
    hasLabels: (scope) => query(db, () => hasLabels(db, scope)),
    waitingLabels: (scope) => query(db, () => countWaiting(db, scope)),
    expireLabels: (scope, before) =>
      query(db, async () => {
        const old = sql`effective_at < ${before}::timestamptz`;
        let expired = 0;
        for (const table of ['labels', 'waiting_labels', 'label_corrections'])
          expired += await deleteSome(db, scope, sql.identifier(table), old);
        return expired;
      }),
    expireIndex: (scope, before) =>
      query(db, () => deleteSome(db, scope, sql.identifier('predictions'), sql`happened_at < ${before}::timestamptz`)),
  };
}

async function deleteSome(
  db: Database,
  scope: Scope,
  table: ReturnType<typeof sql.identifier>,
  condition: SQL,
): Promise<number> {
  const { rowCount } = await db.execute(sql`
    delete from ${table} where ctid = any(array(
      select ctid from ${table}
      where model_id = ${scope.modelId}::uuid and environment = ${scope.environment} and ${condition}
      limit ${rowsAtOnce}))`);
  return rowCount ?? 0;
}
