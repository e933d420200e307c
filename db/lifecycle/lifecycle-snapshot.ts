import { and, asc, count, desc, eq, gte, inArray, sql } from '../connection/orm.ts';
import { budgetPeriod } from '../../contracts/runs/budget-period.ts';
import type { Instant, Scope } from '../../contracts/identifiers.ts';
import type { LifecycleSnapshot } from '../../contracts/runs/lifecycle-plan.ts';
import { configurationOf } from '../models/configuration-of.ts';
import type { Transaction } from '../connection/connect.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import { environmentNow } from '../connection/repository-context.ts';
import { championOf, newestGeneration } from '../deployments/generations.ts';
import { toDate, toInstant, toInstantOrNull } from '../connection/instants.ts';
import { environments, type modelEnvironments } from '../environments/environment-tables.ts';
import { models } from '../models/model-tables.ts';
import { runs } from '../runs/run-tables.ts';
import { triggers } from './lifecycle-tables.ts';
import { inScope } from '../connection/in-scope.ts';
import { unfinishedStates } from '../../contracts/runs/run.ts';

type Heads = typeof modelEnvironments.$inferSelect;

/** Maximum number of candidates read, newest first. Each pass decides on all candidates, so few are ever undecided. */
const candidatesAtMost = 50;
/** Maximum number of triggers read. More of them still cause one build, and the next pass takes the rest. */
const triggersAtMost = 10_000;

/** Reads all state on which the lifecycle decides. The scope is locked, and `heads` is its row. */
export async function readSnapshot(
  context: RepositoryContext,
  tx: Transaction,
  scope: Scope,
  heads: Heads,
): Promise<LifecycleSnapshot> {
  const now = await environmentNow(context, tx, scope);
  const clock = await clockOf(tx, scope);
  const configuration = await configurationOf(tx, heads);
  const timezone = configuration?.data.timezone ?? 'UTC';
  const period = budgetPeriod(configuration?.retrain.budget ?? '0 per day', now, timezone);
  return {
    now,
    clock,
    settled: heads.settledAt !== null && toInstant(heads.settledAt) >= now,
    policy: configuration?.retrain ?? null,
    // A rehearsal itself decides when a period ends.
    monitorEvery: clock === 'virtual' ? null : (configuration?.monitor.every ?? null),
    timezone,
    held: heads.holdReason !== null,
    archived: await isArchived(tx, scope),
    serving: championOf(await newestGeneration(tx, scope)) !== undefined,
    lastBuildAt: toInstantOrNull(heads.lastBuildAt),
    lastMonitorAt: toInstantOrNull(heads.lastMonitorAt),
    buildsInPeriod: await buildsSince(tx, scope, period.from),
    budgetRenewsAt: period.to,
    triggers: await pendingTriggers(tx, scope),
    runs: await unfinishedRuns(tx, scope),
    candidates: await candidates(tx, scope),
  };
}

async function clockOf(tx: Transaction, scope: Scope): Promise<'wall' | 'virtual'> {
  const [row] = await tx
    .select({ clock: environments.clock })
    .from(environments)
    .where(and(eq(environments.project, scope.project), eq(environments.name, scope.environment)));
  return row?.clock ?? 'wall';
}

async function isArchived(tx: Transaction, { modelId }: Scope): Promise<boolean> {
  const [row] = await tx.select({ archivedAt: models.archivedAt }).from(models).where(eq(models.id, modelId));
  return row !== undefined && row.archivedAt !== null;
}

const evaluationId = sql<string | null>`${runs.outcome} ->> 'evaluationId'`;
const automated = sql`(${runs.request} ->> 'automated')::boolean`;

/** Counts builds that automation started in the budget's period, whatever their result. */
async function buildsSince(tx: Transaction, scope: Scope, from: Instant): Promise<number> {
  const [row] = await tx
    .select({ builds: count() })
    .from(runs)
    .where(and(inScope(runs, scope), eq(runs.kind, 'build'), automated, gte(runs.effectiveAt, toDate(from))));
  return row?.builds ?? 0;
}

async function pendingTriggers(tx: Transaction, scope: Scope): Promise<LifecycleSnapshot['triggers']> {
  const rows = await tx
    .select({ id: triggers.id, kind: triggers.kind, effectiveAt: triggers.effectiveAt })
    .from(triggers)
    .where(and(inScope(triggers, scope), eq(triggers.status, 'pending')))
    .orderBy(asc(triggers.id))
    .limit(triggersAtMost);
  return rows.map((row) => ({ ...row, effectiveAt: toInstant(row.effectiveAt) }));
}

async function unfinishedRuns(tx: Transaction, scope: Scope): Promise<LifecycleSnapshot['runs']> {
  const rows = await tx
    .select({ id: runs.id, kind: runs.kind, state: runs.state, request: runs.request })
    .from(runs)
    .where(and(inScope(runs, scope), inArray(runs.state, unfinishedStates)))
    .orderBy(asc(runs.id));
  return rows.map(({ request, ...row }) => ({
    ...row,
    automated: (request.kind === 'build' || request.kind === 'deploy') && request.automated,
  }));
}

/**
 * Returns candidates of automated builds that have neither a deploy run nor a ledger entry that they were passed over.
 */
async function candidates(tx: Transaction, scope: Scope): Promise<LifecycleSnapshot['candidates']> {
  const newest = tx.$with('newest').as(
    tx
      .select({ id: runs.id, effectiveAt: runs.effectiveAt, evaluationId: evaluationId.as('evaluation_id') })
      .from(runs)
      .where(
        and(
          inScope(runs, scope),
          eq(runs.kind, 'build'),
          eq(runs.state, 'succeeded'),
          automated,
          sql`${runs.outcome} ->> 'decision' = 'candidate'`,
        ),
      )
      .orderBy(desc(runs.effectiveAt), desc(runs.id))
      .limit(candidatesAtMost),
  );
  const deployed = sql`exists (select 1 from runs deploys where deploys.model_id = ${scope.modelId} and deploys.environment = ${scope.environment} and deploys.kind = 'deploy' and deploys.request ->> 'evaluationId' = newest.evaluation_id)`;
  const passedOver = sql`exists (select 1 from ledger where ledger.model_id = ${scope.modelId} and ledger.kind = 'deployment.ended' and ledger.subject ->> 'runId' = newest.id::text)`;
  const rows = await tx
    .with(newest)
    .select({ buildRunId: newest.id, evaluationId: newest.evaluationId })
    .from(newest)
    .where(sql`not ${deployed} and not ${passedOver}`)
    .orderBy(asc(newest.effectiveAt), asc(newest.id));
  return rows.flatMap((row) =>
    row.evaluationId === null ? [] : [{ evaluationId: row.evaluationId, buildRunId: row.buildRunId }],
  );
}
