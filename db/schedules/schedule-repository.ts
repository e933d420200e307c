import { and, asc, eq, sql } from '../connection/orm.ts';
import type { Id, Scope } from '../../contracts/identifiers.ts';
import { scopeLabel } from '../../contracts/identifiers.ts';
import type { ScheduleInput, StoredSchedule } from '../../contracts/runs/schedule.ts';
import type { ScheduleRepository } from '../../ports/repositories/schedule-repository.ts';
import { appendLedger } from '../ledger/append-ledger.ts';
import type { Transaction } from '../connection/connect.ts';
import { query, transact } from '../connection/connect.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import { environmentNow, lockScope } from '../connection/repository-context.ts';
import { toInstant, toInstantOrNull } from '../connection/instants.ts';
import { found, written } from '../connection/not-found.ts';
import { ledger } from '../ledger/ledger-tables.ts';
import { models } from '../models/model-tables.ts';
import { schedules } from './schedule-tables.ts';
import { inScope } from '../connection/in-scope.ts';

function toSchedule(row: typeof schedules.$inferSelect): StoredSchedule {
  return { ...row, recordedAt: toInstant(row.recordedAt), lastFiredAt: toInstantOrNull(row.lastFiredAt) };
}

function named(scope: Scope, name: string): ReturnType<typeof and> {
  return and(inScope(schedules, scope), eq(schedules.name, name));
}

export function createScheduleRepository(context: RepositoryContext): ScheduleRepository {
  const { db } = context;
  return {
    put: (scope, name, schedule, by) => transact(db, (tx) => put(context, tx, scope, name, schedule, by)),
    get: (scope, name) =>
      query(db, async () => {
        const [row] = await db.select().from(schedules).where(named(scope, name));
        return toSchedule(found(row, absent(scope, name), { schedule: name }));
      }),
    list: (scope) =>
      query(db, async () =>
        (await db.select().from(schedules).where(inScope(schedules, scope)).orderBy(asc(schedules.name))).map(
          toSchedule,
        ),
      ),
    all: () =>
      query(db, async () => {
        const rows = await db
          .select({ row: schedules, project: models.project, model: models.name, archivedAt: models.archivedAt })
          .from(schedules)
          .innerJoin(models, eq(models.id, schedules.modelId))
          .orderBy(asc(schedules.modelId), asc(schedules.environment), asc(schedules.name));
        return rows.map(({ row, project, model, archivedAt }) => ({
          scope: { project, model, modelId: row.modelId, environment: row.environment },
          schedule: toSchedule(row),
          archived: archivedAt !== null,
        }));
      }),
    remove: (scope, name, by) => transact(db, (tx) => remove(context, tx, scope, name, by)),
  };
}

function absent(scope: Scope, name: string): string {
  return `${scopeLabel(scope)} has no schedule ${name}; \`perennial schedule list\` lists its schedules`;
}

async function put(
  context: RepositoryContext,
  tx: Transaction,
  scope: Scope,
  name: string,
  { cron, timezone, paused, overlap }: ScheduleInput,
  by: Id,
): Promise<StoredSchedule> {
  const { modelId, environment } = scope;
  await lockScope(tx, scope, by);
  const wanted = { cron, timezone, paused, overlap };
  const [known] = await tx.select().from(schedules).where(named(scope, name));
  if (
    known !== undefined &&
    known.cron === cron &&
    known.timezone === timezone &&
    known.paused === paused &&
    known.overlap === overlap
  )
    return toSchedule(known);
  const [row] = await tx
    .insert(schedules)
    .values({ modelId, environment, name, ...wanted, recordedBy: by })
    .onConflictDoUpdate({
      target: [schedules.modelId, schedules.environment, schedules.name],
      set: { ...wanted, recordedBy: by, recordedAt: sql`now()` },
    })
    .returning();
  await appendLedger(context, tx, {
    modelId,
    environment,
    kind: 'schedule.set',
    subject: { name, ...wanted },
    reason: `${paused ? 'paused' : 'runs'} at ${cron} ${timezone}`,
    effectiveAt: await environmentNow(context, tx, scope),
    by,
  });
  return toSchedule(written(row));
}

async function remove(context: RepositoryContext, tx: Transaction, scope: Scope, name: string, by: Id): Promise<void> {
  const { modelId, environment } = scope;
  await lockScope(tx, scope, by);
  const [removed] = await tx.delete(schedules).where(named(scope, name)).returning();
  if (removed === undefined) {
    // Removing a schedule again is allowed; a name that never existed is an error.
    const [before] = await tx
      .select({ sequence: ledger.sequence })
      .from(ledger)
      .where(
        and(
          inScope(ledger, { modelId, environment }),
          eq(ledger.kind, 'schedule.removed'),
          sql`${ledger.subject} ->> 'name' = ${name}`,
        ),
      )
      .limit(1);
    found(before, absent(scope, name), { schedule: name });
    return;
  }
  await appendLedger(context, tx, {
    modelId,
    environment,
    kind: 'schedule.removed',
    subject: { name, cron: removed.cron, timezone: removed.timezone },
    reason: `schedule ${name} removed`,
    effectiveAt: await environmentNow(context, tx, scope),
    by,
  });
}
