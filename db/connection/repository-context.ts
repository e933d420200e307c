import { and, eq, sql } from './orm.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { Id, Instant, Scope } from '../../contracts/identifiers.ts';
import type { Clock } from '../../ports/clock.ts';
import type { IdMaker } from '../../ports/ids.ts';
import type { Database, Executor, Transaction } from './connect.ts';
import { toInstant } from './instants.ts';
import { environments, modelEnvironments } from '../environments/environment-tables.ts';
import { inScope } from './in-scope.ts';

/** Dependencies of every repository. */
export interface RepositoryContext {
  readonly db: Database;
  readonly clock: Clock;
  readonly ids: IdMaker;
}

/**
 * Returns the environment's time: the wall clock or the virtual clock's reading. Throws `not-found` if the project has
 * no such environment.
 */
export async function environmentNow(
  context: Pick<RepositoryContext, 'clock'>,
  tx: Executor,
  scope: Pick<Scope, 'project' | 'environment'>,
): Promise<Instant> {
  const [row] = await tx
    .select({ virtualNow: environments.virtualNow })
    .from(environments)
    .where(and(eq(environments.project, scope.project), eq(environments.name, scope.environment)));
  if (row === undefined) {
    throw new PerennialError(
      'not-found',
      `project ${scope.project} has no environment ${scope.environment}; create it, or apply a configuration to it`,
      { project: scope.project, environment: scope.environment },
    );
  }
  return row.virtualNow === null ? context.clock.now() : toInstant(row.virtualNow);
}

/**
 * Locks the scope's row until the transaction ends and returns it. Creates a missing row in the name of `by`. If `by`
 * is null, throws `not-found` for a missing row; steps of a run use this, because the row of their scope must exist.
 * Call this first in every transaction that changes the environment. To avoid deadlocks, take locks in the order scope,
 * runs, approvals, model (`lockModel`, `appendLedger`).
 */
export async function lockScope(
  tx: Transaction,
  scope: Pick<Scope, 'modelId' | 'environment'>,
  by: Id | null,
): Promise<typeof modelEnvironments.$inferSelect> {
  const where = inScope(modelEnvironments, scope);
  const [known] = await tx.select().from(modelEnvironments).where(where).for('update');
  if (known !== undefined) return known;
  if (by === null)
    throw new PerennialError(
      'not-found',
      `model ${scope.modelId} is not in environment ${scope.environment}; apply its configuration there first`,
      { modelId: scope.modelId, environment: scope.environment },
    );
  await tx
    .insert(modelEnvironments)
    .values({ modelId: scope.modelId, environment: scope.environment, recordedBy: by })
    .onConflictDoNothing();
  const [made] = await tx.select().from(modelEnvironments).where(where).for('update');
  if (made === undefined)
    throw new Error(`the row of model ${scope.modelId} in ${scope.environment} vanished while it was locked`);
  return made;
}

/**
 * Locks the model until the transaction ends, so that version numbers and ledger sequence numbers stay gapless.
 * Reentrant.
 */
export async function lockModel(tx: Transaction, modelId: Id): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`perennial model ${modelId}`}, 0))`);
}
