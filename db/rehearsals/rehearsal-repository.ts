import { and, asc, desc, eq, inArray, isNull, lt, or, sql } from '../connection/orm.ts';
import type { Command, Idempotency } from '../../contracts/runs/command.ts';
import { sha256OfJson } from '../../contracts/digest.ts';
import type { Id, Scope } from '../../contracts/identifiers.ts';
import { scopeLabel } from '../../contracts/identifiers.ts';
import type { Viewer } from '../../contracts/access/principal.ts';
import type { Rehearsal, RehearsalPeriod, RehearsalPlan, RehearsalSummary } from '../../contracts/runs/rehearsal.ts';
import type { RehearsalRepository } from '../../ports/repositories/rehearsal-repository.ts';
import { appendLedger } from '../ledger/append-ledger.ts';
import type { Executor, Transaction } from '../connection/connect.ts';
import { query, transact } from '../connection/connect.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import { environmentNow, lockScope } from '../connection/repository-context.ts';
import { commandUnderKey, insertCommand } from '../lifecycle/insert-command.ts';
import { toDate, toInstant } from '../connection/instants.ts';
import { found, written } from '../connection/not-found.ts';
import { belowId, pageOf } from '../connection/paging.ts';
import { possessBlobs } from '../blobs/possess-blobs.ts';
import { proveRun } from '../runs/prove-run.ts';
import { environments, modelEnvironments } from '../environments/environment-tables.ts';
import { models } from '../models/model-tables.ts';
import { rehearsalPeriods, rehearsals } from './rehearsal-tables.ts';
import { shortNumber } from '../monitoring/short-number.ts';
import { storableJson } from '../connection/storable.ts';
import { visibleRows } from '../principals/visibility.ts';
import { ensurePrincipal } from '../principals/principal-repository.ts';
import { inScope } from '../connection/in-scope.ts';

type Created = Awaited<ReturnType<RehearsalRepository['create']>>;

/** A rehearsal with the names of its project and model; the row type of `selectRehearsals`. */
interface Row {
  readonly rehearsal: typeof rehearsals.$inferSelect;
  readonly project: string;
  readonly model: string;
}

export function createRehearsalRepository(context: RepositoryContext): RehearsalRepository {
  const { db } = context;
  return {
    create: (source, plan, metric, by, idempotency) =>
      transact(db, (tx) => create(context, tx, source, plan, metric, by, idempotency)),
    get: (id) => query(db, () => read(db, id)),
    inEnvironment: ({ modelId, environment }) =>
      query(db, async () => {
        const own = inScope(rehearsals, { modelId, environment });
        const [rehearsal] = await withPeriods(db, await selectRehearsals(db).where(own));
        return rehearsal;
      }),
    list: (viewer, modelId, page) =>
      query(db, async () => {
        const below = belowId(page);
        const rows = await selectRehearsals(db)
          .where(
            and(
              visibleRehearsals(viewer),
              eq(rehearsals.modelId, modelId),
              below === undefined ? undefined : lt(rehearsals.id, below),
            ),
          )
          .orderBy(desc(rehearsals.id))
          .limit(page.limit + 1);
        const shown = pageOf(
          rows,
          page,
          (row) => row.rehearsal.id,
          (row) => row,
        );
        return { ...shown, items: await withPeriods(db, shown.items) };
      }),
    keepRows: (id, rows) =>
      transact(db, async (tx) => {
        const { project, rehearsal } = await proveRehearsal(tx, id);
        await possessBlobs(tx, project, [rows], rehearsal.principalId);
        await tx.update(rehearsals).set({ rows }).where(eq(rehearsals.id, id));
      }),
    addPeriod: (id, period) =>
      transact(db, async (tx) => {
        const recordedBy = (await proveRehearsal(tx, id)).rehearsal.principalId;
        await tx
          .insert(rehearsalPeriods)
          .values({ rehearsalId: id, index: period.index, body: storableJson(period), recordedBy })
          .onConflictDoNothing();
      }),
    finish: (id, summary) => transact(db, (tx) => finish(context, tx, id, summary)),
    principalOf: (id) => query(db, async () => (await readRow(db, id)).rehearsal.principalId),
  };
}

/** Condition for rehearsals whose own or rehearsed environment the viewer may see. */
function visibleRehearsals(viewer: Viewer) {
  return or(
    visibleRows(viewer, rehearsals.environment),
    visibleRows(viewer, sql`(${rehearsals.plan} ->> 'sourceEnvironment')`),
  );
}

function selectRehearsals(tx: Executor) {
  return tx
    .select({ rehearsal: rehearsals, project: models.project, model: models.name })
    .from(rehearsals)
    .innerJoin(models, eq(models.id, rehearsals.modelId))
    .$dynamic();
}

async function readRow(tx: Executor, id: Id): Promise<Row> {
  const [row] = await selectRehearsals(tx).where(eq(rehearsals.id, id));
  return found(row, `there is no rehearsal ${id}`, { rehearsalId: id });
}

/** Throws unless the rehearsal's run is in progress. */
async function proveRehearsal(tx: Transaction, id: Id): Promise<Row> {
  const row = await readRow(tx, id);
  const { project, model, rehearsal } = row;
  const { modelId, environment, runId } = rehearsal;
  await proveRun(tx, { project, model, modelId, environment }, runId, 'rehearsal');
  return row;
}

async function read(tx: Executor, id: Id): Promise<Rehearsal> {
  const [rehearsal] = await withPeriods(tx, [await readRow(tx, id)]);
  return written(rehearsal);
}

async function withPeriods(tx: Executor, rows: readonly Row[]): Promise<readonly Rehearsal[]> {
  if (rows.length === 0) return [];
  const ids = rows.map((row) => row.rehearsal.id);
  const periods = new Map<Id, RehearsalPeriod[]>();
  for (const { rehearsalId, body } of await tx
    .select()
    .from(rehearsalPeriods)
    .where(inArray(rehearsalPeriods.rehearsalId, ids))
    .orderBy(asc(rehearsalPeriods.index))) {
    periods.set(rehearsalId, [...(periods.get(rehearsalId) ?? []), body]);
  }
  return rows.map(({ rehearsal, project, model }) => {
    const { principalId: _principalId, schemaVersion: _schemaVersion, rows: _rows, ...rest } = rehearsal;
    const told = periods.get(rest.id) ?? [];
    return { ...rest, project, model, periods: told, recordedAt: toInstant(rest.recordedAt) };
  });
}

async function create(
  context: RepositoryContext,
  tx: Transaction,
  source: Scope,
  plan: RehearsalPlan,
  metric: string,
  by: Id,
  given?: Idempotency,
): Promise<Created> {
  // The command contains the new rehearsal's id, which differs for each request, so the plan is hashed instead.
  const requestDigest = given?.requestDigest ?? sha256OfJson({ source, plan, metric });
  const earlier = given && (await commandUnderKey(tx, requestDigest, by, given));
  if (earlier !== undefined) return startedBy(tx, earlier);
  const { id, environment } = await freeName(context, tx);
  const scope: Scope = { ...source, environment };
  await makeEnvironment(tx, scope, plan, by);
  const grant = { role: 'approver', project: scope.project, model: scope.model, environment } as const;
  const principal = await ensurePrincipal(context, tx, `rehearsal-${id}`, 'service', [grant], by);
  const request = { kind: 'rehearsal', schemaVersion: 1, rehearsalId: id } as const;
  const body = { kind: 'run', schemaVersion: 1, request } as const;
  const { runId } = await insertCommand(context, tx, scope, body, by, given && { ...given, requestDigest });
  await tx.insert(rehearsals).values({
    id,
    modelId: scope.modelId,
    environment,
    runId: written(runId ?? undefined),
    plan: storableJson(plan),
    metric,
    principalId: principal.id,
    recordedBy: by,
  });
  await appendLedger(context, tx, {
    modelId: scope.modelId,
    environment,
    kind: 'rehearsal.started',
    subject: { runId, rehearsalId: id, principalId: principal.id, plan },
    reason: `rehearses ${scopeLabel(source)} from ${plan.from} to ${plan.to} by ${plan.every}`,
    effectiveAt: plan.from,
    by,
  });
  return { rehearsal: await read(tx, id), scope };
}

async function startedBy(tx: Transaction, { id, scope, body }: Command): Promise<Created> {
  if (body.kind !== 'run' || body.request.kind !== 'rehearsal') throw new Error(`command ${id} started no rehearsal`);
  return { rehearsal: await read(tx, body.request.rehearsalId), scope };
}

/**
 * Returns a new id and the environment name made from its last digits. The first digits are a timestamp and repeat
 * within a minute.
 */
async function freeName(
  context: Pick<RepositoryContext, 'ids'>,
  tx: Transaction,
): Promise<{ readonly id: Id; readonly environment: string }> {
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const id = context.ids.next();
    const environment = `rehearsal-${id.slice(-8)}`;
    const named = eq(environments.name, environment);
    const [taken] = await tx.select({ name: environments.name }).from(environments).where(named).limit(1);
    if (taken === undefined) return { id, environment };
  }
  throw new Error('ten random names for the environment of a rehearsal were taken already');
}

/** Creates the environment with its clock at the first period, the plan's code and configuration, and no data. */
async function makeEnvironment(tx: Transaction, scope: Scope, plan: RehearsalPlan, by: Id): Promise<void> {
  const { project, modelId, environment } = scope;
  await tx
    .insert(environments)
    .values({ project, name: environment, clock: 'virtual', virtualNow: toDate(plan.from), recordedBy: by });
  await lockScope(tx, scope, by);
  await tx
    .update(modelEnvironments)
    .set({ configurationId: plan.configurationId, codeVersionId: plan.codeVersionId })
    .where(inScope(modelEnvironments, { modelId, environment }));
}

async function finish(context: RepositoryContext, tx: Transaction, id: Id, summary: RehearsalSummary): Promise<void> {
  const { rehearsal, project } = await proveRehearsal(tx, id);
  const { modelId, environment, runId, metric, principalId } = rehearsal;
  const [ended] = await tx
    .update(rehearsals)
    .set({ summary: storableJson(summary) })
    .where(and(eq(rehearsals.id, id), isNull(rehearsals.summary)))
    .returning({ id: rehearsals.id });
  if (ended === undefined) return;
  await appendLedger(context, tx, {
    modelId,
    environment,
    kind: 'rehearsal.ended',
    subject: { runId, rehearsalId: id, ...summary },
    reason: reasonOf(metric, summary),
    effectiveAt: await environmentNow(context, tx, { project, environment }),
    by: principalId,
  });
}

function reasonOf(metric: string, summary: RehearsalSummary): string {
  const { metricAsServed, metricNeverReplaced, promoted, refused, unchanged } = summary;
  const { refusedRows = 0, unansweredRows = 0 } = summary;
  const told = (value: number | null): string => (value === null ? 'unknown' : shortNumber(value));
  return [
    `${metric} ${told(metricAsServed)} as served, ${told(metricNeverReplaced)} if the first model had never been replaced`,
    `${promoted} promoted, ${refused} refused, ${unchanged} unchanged`,
    ...(refusedRows === 0 ? [] : [`rows refused by the gateway: ${refusedRows}`]),
    ...(unansweredRows === 0 ? [] : [`rows without a finite answer: ${unansweredRows}`]),
  ].join('; ');
}
