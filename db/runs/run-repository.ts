import { and, asc, desc, eq, gt, inArray, lt, sql } from '../connection/orm.ts';
import type { JsonValue } from '../../contracts/canonical.ts';
import { sha256OfJson } from '../../contracts/digest.ts';
import type { Id } from '../../contracts/identifiers.ts';
import type { Run } from '../../contracts/runs/run.ts';
import { isFinal, unfinishedStates } from '../../contracts/runs/run.ts';
import type { RunRepository } from '../../ports/repositories/run-repository.ts';
import { appendLedger } from '../ledger/append-ledger.ts';
import type { Database, Executor, Transaction } from '../connection/connect.ts';
import { query, transact } from '../connection/connect.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import { environmentNow } from '../connection/repository-context.ts';
import { endRun } from './end-run.ts';
import { toDate, toInstant } from '../connection/instants.ts';
import { found, written } from '../connection/not-found.ts';
import { belowId, pageOf } from '../connection/paging.ts';
import { runProofs } from './run-proofs.ts';
import { inputsOfRun } from './inputs-of-run.ts';
import { lockRun, selectRuns, withSteps, type RunRow } from './run-rows.ts';
import { approvals } from '../approvals/approval-tables.ts';
import { leases, runLogs, runResults, runs, runSteps } from './run-tables.ts';
import { models } from '../models/model-tables.ts';
import { storableText } from '../connection/storable.ts';
import { visibleRows } from '../principals/visibility.ts';
import { inScope } from '../connection/in-scope.ts';

/** Maximum characters of a log line; longer lines are cut. */
const longestLine = 16_384;
const linesAtOnce = 1_000;
/** A run that fails after this many restarts has another problem. */
const begunAgainAtMost = 3;

export function createRunRepository(context: RepositoryContext): RunRepository {
  const { db } = context;
  return {
    get: (id) => query(db, () => readRun(db, id)),
    list: (viewer, filter, page) =>
      query(db, async () => {
        const below = belowId(page);
        const rows = await selectRuns(db)
          .where(
            and(
              visibleRows(viewer, runs.environment),
              eq(models.project, filter.project),
              filter.model === undefined ? undefined : eq(models.name, filter.model),
              filter.environment === undefined ? undefined : eq(runs.environment, filter.environment),
              filter.kind === undefined ? undefined : eq(runs.kind, filter.kind),
              filter.state === undefined ? undefined : eq(runs.state, filter.state),
              below === undefined ? undefined : lt(runs.id, below),
            ),
          )
          .orderBy(desc(runs.id))
          .limit(page.limit + 1);
        const shown = pageOf(
          rows,
          page,
          (row) => row.run.id,
          (row) => row,
        );
        return { ...shown, items: await withSteps(db, shown.items) };
      }),
    unfinished: (scope) =>
      query(db, async () => {
        const open = and(inScope(runs, scope), inArray(runs.state, unfinishedStates));
        return withSteps(db, await selectRuns(db).where(open).orderBy(asc(runs.id)));
      }),
    inputs: (scope, id) => transact(db, (tx) => inputsOfRun(tx, scope, id)),
    begin: (id) => transact(db, (tx) => begin(context, tx, id)),
    beginAgain: (id) => transact(db, (tx) => beginAgain(tx, id)),
    resume: (id) =>
      transact(db, async (tx) => {
        const { run } = await lockRun(tx, id);
        if (run.state === 'awaiting-approval') await tx.update(runs).set({ state: 'running' }).where(eq(runs.id, id));
      }),
    succeed: (id, outcome) =>
      transact(db, async (tx) => void (await endRun(context, tx, id, { state: 'succeeded', outcome }))),
    fail: (id, failure) =>
      transact(db, async (tx) => void (await endRun(context, tx, id, { state: 'failed', failure }))),
    cancel: (id, reason) =>
      transact(db, async (tx) => void (await endRun(context, tx, id, { state: 'cancelled', reason }))),
    ...runProofs(context),
    ...progressOf(context),
    ...leasesOf(context),
  };
}

async function readRun(tx: Executor, id: Id): Promise<Run> {
  const [row] = await selectRuns(tx).where(eq(runs.id, id));
  const [run] = await withSteps(tx, [
    found(row, `there is no run ${id}; \`perennial runs\` lists them`, { runId: id }),
  ]);
  return written(run);
}

async function begin(context: RepositoryContext, tx: Transaction, id: Id): Promise<Run> {
  const row = await lockRun(tx, id);
  const { state, kind, startedAt } = row.run;
  if (state === 'queued') {
    await tx
      .update(runs)
      .set({ state: await stateBegun(tx, row), startedAt: startedAt ?? toDate(context.clock.now()) })
      .where(eq(runs.id, id));
    if (kind === 'build' && startedAt === null) await noteBuild(context, tx, row);
  }
  return readRun(tx, id);
}

/** Returns the state of a started run. A restarted run may already be awaiting votes. */
async function stateBegun(tx: Transaction, { run }: RunRow): Promise<'running' | 'awaiting-approval'> {
  if (run.approvalId === null) return 'running';
  const [approval] = await tx
    .select({ status: approvals.status })
    .from(approvals)
    .where(eq(approvals.id, run.approvalId));
  return approval?.status === 'pending' ? 'awaiting-approval' : 'running';
}

async function beginAgain(tx: Transaction, id: Id): Promise<boolean> {
  const { run } = await lockRun(tx, id);
  if (isFinal(run.state) || run.cancelRequested !== null || run.begunAgain >= begunAgainAtMost) return false;
  const again = { state: 'queued', orderedAt: null, executionId: null, begunAgain: run.begunAgain + 1 } as const;
  await tx.update(runs).set(again).where(eq(runs.id, id));
  return true;
}

async function noteBuild(context: RepositoryContext, tx: Transaction, { run, project }: RunRow): Promise<void> {
  const { id, modelId, environment, because, recordedBy } = run;
  const automated = run.request.kind === 'build' && run.request.automated;
  const effectiveAt = await environmentNow(context, tx, { project, environment });
  await appendLedger(context, tx, {
    modelId,
    environment,
    kind: 'build.started',
    subject: { runId: id, automated },
    reason: because,
    effectiveAt,
    by: recordedBy,
  });
}

/** Returns the methods for progress, steps and logs. */
function progressOf({
  db,
  clock,
}: RepositoryContext): Pick<RunRepository, 'progress' | 'step' | 'appendLogs' | 'logs'> {
  return {
    progress: (id, fraction, message) =>
      query(db, async () => {
        const progress = {
          progressFraction: Math.min(1, Math.max(0, Number.isFinite(fraction) ? fraction : 0)),
          progressMessage: storableText(message),
        };
        await db
          .update(runs)
          .set(progress)
          .where(and(eq(runs.id, id), inArray(runs.state, ['running', 'awaiting-approval'])));
      }),
    step: (id, { name, attempt, state, detail, isolation, begunMsAgo = 0, results = [] }) =>
      query(db, async () => {
        const now = toDate(clock.now());
        const startedAt = new Date(now.getTime() - begunMsAgo);
        const endedAt = state === 'running' ? null : now;
        const told = detail === undefined ? {} : { detail: storableText(detail) };
        await withResults(db, id, name, results)
          .insert(runSteps)
          .values({ runId: id, name, attempt, state, startedAt, endedAt, isolation, ...told })
          .onConflictDoUpdate({
            target: [runSteps.runId, runSteps.name, runSteps.attempt],
            set: { state, endedAt, ...told },
          });
      }),
    appendLogs: async (id, lines) => {
      for (let from = 0; from < lines.length; from += linesAtOnce) {
        const some = lines.slice(from, from + linesAtOnce);
        const streams = sql.param(some.map((line) => line.stream));
        const texts = sql.param(some.map((line) => cut(storableText(line.line))));
        // The lock serialises writes to the run's log, so that a reader who has seen a line has seen all lines before
        // it.
        await query(db, () =>
          db.execute(sql`
            with turn as materialized (select pg_advisory_xact_lock(hashtextextended(${`perennial log ${id}`}, 0)))
            insert into run_logs (run_id, stream, line, recorded_at)
            select ${id}::uuid, stream, line, ${clock.now()}::timestamptz from turn, unnest(${streams}::text[], ${texts}::text[]) with ordinality as given (stream, line, place) order by place`),
        );
      }
    },
    logs: (id, after, limit) =>
      query(db, async () => {
        const rows = await db
          .select()
          .from(runLogs)
          .where(and(eq(runLogs.runId, id), gt(runLogs.sequence, after)))
          .orderBy(asc(runLogs.sequence))
          .limit(limit);
        return rows.map(({ sequence, recordedAt, stream, line }) => ({
          sequence,
          at: toInstant(recordedAt),
          stream,
          line,
        }));
      }),
  };
}

/** Begins a statement that also inserts the digests of a step's results, so that they are recorded together. */
function withResults(db: Database, runId: Id, step: string, results: readonly JsonValue[]): Pick<Database, 'insert'> {
  if (results.length === 0) return db;
  const digests = results.map((result) => ({ runId, step, digest: sha256OfJson(result) }));
  const inserted = db.insert(runResults).values(digests).onConflictDoNothing().returning({ step: runResults.step });
  return db.with(db.$with('kept').as(inserted));
}

function cut(line: string): string {
  return line.length <= longestLine
    ? line
    : `${line.slice(0, longestLine).toWellFormed()}… (${line.length} characters)`;
}

function leasesOf({ db }: RepositoryContext): Pick<RunRepository, 'takeLease' | 'holdsLease'> {
  return {
    takeLease: (name, holder, until, by) =>
      query(db, async () => {
        const leaseUntil = toDate(until);
        await db
          .insert(leases)
          .values({ name, holder, leaseUntil, recordedBy: by })
          .onConflictDoUpdate({
            target: leases.name,
            set: { holder, leaseUntil, recordedAt: sql`now()`, recordedBy: by },
          });
      }),
    holdsLease: (name, holder) =>
      query(
        db,
        async () =>
          (
            await db
              .select({ name: leases.name })
              .from(leases)
              .where(and(eq(leases.name, name), eq(leases.holder, holder)))
          ).length > 0,
      ),
  };
}
