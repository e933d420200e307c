import { and, asc, eq, lt } from '../connection/orm.ts';
import { canonicalJson } from '../../contracts/canonical.ts';
import type { Environment } from '../../contracts/serving/environment.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { Id, Instant } from '../../contracts/identifiers.ts';
import type { EnvironmentRepository } from '../../ports/repositories/environment-repository.ts';
import { appendLedger } from '../ledger/append-ledger.ts';
import type { Executor, Transaction } from '../connection/connect.ts';
import { query, transact } from '../connection/connect.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import { environmentNow } from '../connection/repository-context.ts';
import { toDate, toInstant, toInstantOrNull } from '../connection/instants.ts';
import { found, written } from '../connection/not-found.ts';
import { environments, modelEnvironments } from './environment-tables.ts';
import { models, projects } from '../models/model-tables.ts';
import { visibleEnvironments } from '../principals/visibility.ts';

type Row = typeof environments.$inferSelect;

function toEnvironment({ schemaVersion: _schemaVersion, ...row }: Row): Environment {
  return { ...row, virtualNow: toInstantOrNull(row.virtualNow), recordedAt: toInstant(row.recordedAt) };
}

export function createEnvironmentRepository(context: RepositoryContext): EnvironmentRepository {
  const { db } = context;
  return {
    list: (viewer, project) =>
      query(db, async () => {
        const rows = await db
          .select()
          .from(environments)
          .where(and(visibleEnvironments(viewer), eq(environments.project, project)))
          .orderBy(asc(environments.name));
        return rows.map(toEnvironment);
      }),
    get: (project, name) =>
      query(db, async () =>
        toEnvironment(
          found(
            await read(db, project, name),
            `project ${project} has no environment ${name}; create it, or apply a configuration to it`,
            { project, environment: name },
          ),
        ),
      ),
    put: (project, name, { minimumPolicy }, by) =>
      transact(db, (tx) => put(context, tx, project, name, minimumPolicy, by)),
    makeVirtual: (project, name, now, by) =>
      transact(db, async (tx) => {
        await tx.insert(projects).values({ name: project, recordedBy: by }).onConflictDoNothing();
        await tx
          .insert(environments)
          .values({ project, name, clock: 'virtual', virtualNow: toDate(now), recordedBy: by })
          .onConflictDoNothing();
        const row = written(await read(tx, project, name));
        if (row.clock !== 'virtual') {
          throw new PerennialError(
            'conflict',
            `environment ${name} of project ${project} runs on the wall clock and cannot be given a virtual one; rehearse in an environment of another name`,
            { project, environment: name },
          );
        }
        return toEnvironment(row);
      }),
    advanceClock: (project, name, now) => transact(db, (tx) => advanceClock(tx, project, name, now)),
    now: (project, environment) => query(db, () => environmentNow(context, db, { project, environment })),
  };
}

async function read(tx: Executor, project: string, name: string): Promise<Row | undefined> {
  const [row] = await tx
    .select()
    .from(environments)
    .where(and(eq(environments.project, project), eq(environments.name, name)));
  return row;
}

async function advanceClock(tx: Transaction, project: string, name: string, now: Instant): Promise<void> {
  const row = found(await read(tx, project, name), `project ${project} has no environment ${name}`, {
    project,
    environment: name,
  });
  if (row.clock !== 'virtual') {
    throw new PerennialError(
      'conflict',
      `environment ${name} of project ${project} runs on the wall clock, which cannot be moved`,
      { project, environment: name },
    );
  }
  const forward = and(
    eq(environments.project, project),
    eq(environments.name, name),
    lt(environments.virtualNow, toDate(now)),
  );
  await tx
    .update(environments)
    .set({ virtualNow: toDate(now) })
    .where(forward);
}

async function put(
  context: RepositoryContext,
  tx: Transaction,
  project: string,
  name: string,
  minimumPolicy: Environment['minimumPolicy'],
  by: Id,
): Promise<Environment> {
  await tx.insert(projects).values({ name: project, recordedBy: by }).onConflictDoNothing();
  await tx.insert(environments).values({ project, name, clock: 'wall', recordedBy: by }).onConflictDoNothing();
  const [locked] = await tx
    .select()
    .from(environments)
    .where(and(eq(environments.project, project), eq(environments.name, name)))
    .for('update');
  const before = written(locked);
  if (canonicalJson(before.minimumPolicy) === canonicalJson(minimumPolicy)) return toEnvironment(before);
  await tx
    .update(environments)
    .set({ minimumPolicy })
    .where(and(eq(environments.project, project), eq(environments.name, name)));
  await tellEveryModel(context, tx, before, minimumPolicy, by);
  return toEnvironment({ ...before, minimumPolicy });
}

/**
 * Records the new minimum policy in the ledger of every model in the environment, because it applies to each of them.
 * Ordered by id, so that concurrent writers lock in the same order.
 */
async function tellEveryModel(
  context: RepositoryContext,
  tx: Transaction,
  before: Row,
  minimumPolicy: Environment['minimumPolicy'],
  by: Id,
): Promise<void> {
  const concerned = await tx
    .select({ modelId: models.id })
    .from(models)
    .innerJoin(modelEnvironments, eq(modelEnvironments.modelId, models.id))
    .where(and(eq(models.project, before.project), eq(modelEnvironments.environment, before.name)))
    .orderBy(asc(models.id));
  const effectiveAt = await environmentNow(context, tx, { project: before.project, environment: before.name });
  const reason = minimumPolicy === null ? 'minimum approval policy removed' : 'minimum approval policy set';
  for (const { modelId } of concerned) {
    await appendLedger(context, tx, {
      modelId,
      environment: before.name,
      kind: 'environment.configured',
      subject: { minimumPolicy, previous: before.minimumPolicy },
      reason,
      effectiveAt,
      by,
    });
  }
}
