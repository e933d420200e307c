import { asc, eq, lt } from '../connection/orm.ts';
import type { Generation } from '../../contracts/serving/deployment.ts';
import type { Id, Scope } from '../../contracts/identifiers.ts';
import { appendLedger } from '../ledger/append-ledger.ts';
import type { Transaction } from '../connection/connect.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import {
  championOf,
  generationsOf,
  newestGeneration,
  raiseGeneration,
  toGeneration,
} from '../deployments/generations.ts';
import { found } from '../connection/not-found.ts';
import { generations } from '../deployments/deployment-tables.ts';
import { modelEnvironments } from '../environments/environment-tables.ts';
import { models } from './model-tables.ts';
import { inScope } from '../connection/in-scope.ts';

interface Decision {
  readonly reason: string;
  readonly by: Id;
}

/** Implements `ModelRepository.archive`. Nothing is deleted: what served is in the generation before the last. */
export async function archiveModel(
  context: RepositoryContext,
  tx: Transaction,
  modelId: Id,
  decision: Decision,
): Promise<readonly Scope[]> {
  const scopes = await lockScopes(tx, modelId);
  const model = await readModel(tx, modelId);
  if (model.archivedAt !== null) return scopes;
  for (const scope of scopes) {
    await tx.update(modelEnvironments).set({ rolloutRunId: null }).where(inScope(modelEnvironments, scope));
    const newest = await newestGeneration(tx, scope);
    if (newest !== undefined && newest.slots.length > 0) await raise(context, tx, scope, [], 'archive', decision);
  }
  const archivedAt = new Date(context.clock.now());
  await tx.update(models).set({ archivedAt }).where(eq(models.id, modelId));
  await note(context, tx, modelId, 'model.archived', decision);
  return scopes;
}

/** Implements `ModelRepository.restore`. */
export async function restoreModel(
  context: RepositoryContext,
  tx: Transaction,
  modelId: Id,
  decision: Decision,
): Promise<readonly Scope[]> {
  const scopes = await lockScopes(tx, modelId);
  const model = await readModel(tx, modelId);
  if (model.archivedAt === null) return scopes;
  await tx.update(models).set({ archivedAt: null }).where(eq(models.id, modelId));
  for (const scope of scopes) {
    const newest = await newestGeneration(tx, scope);
    if (newest?.change !== 'archive') continue;
    const [row] = await generationsOf(tx, scope, lt(generations.generation, newest.generation)).limit(1);
    const champion = championOf(row === undefined ? undefined : toGeneration(row));
    // If a rollout was in progress, only its champion serves again.
    if (champion !== undefined) await raise(context, tx, scope, [{ ...champion, weight: 100 }], 'restore', decision);
  }
  await note(context, tx, modelId, 'model.restored', decision);
  return scopes;
}

async function readModel(tx: Transaction, modelId: Id): Promise<typeof models.$inferSelect> {
  const [model] = await tx.select().from(models).where(eq(models.id, modelId));
  return found(model, `there is no model ${modelId}`, { modelId });
}

/** Locks all environments of the model in name order, so that concurrent calls do not deadlock. */
async function lockScopes(tx: Transaction, modelId: Id): Promise<readonly Scope[]> {
  const rows = await tx
    .select({ environment: modelEnvironments.environment, project: models.project, model: models.name })
    .from(modelEnvironments)
    .innerJoin(models, eq(models.id, modelEnvironments.modelId))
    .where(eq(modelEnvironments.modelId, modelId))
    .orderBy(asc(modelEnvironments.environment))
    .for('update', { of: modelEnvironments });
  return rows.map((row) => ({ ...row, modelId }));
}

/** Raises a generation under a new id as `runId`, because no run decided it. */
function raise(
  context: RepositoryContext,
  tx: Transaction,
  scope: Scope,
  slots: Generation['slots'],
  change: 'archive' | 'restore',
  { reason, by }: Decision,
): Promise<Generation> {
  return raiseGeneration(context, tx, scope, { slots, change, reason, runId: context.ids.next(), by });
}

function note(
  context: RepositoryContext,
  tx: Transaction,
  modelId: Id,
  kind: 'model.archived' | 'model.restored',
  { reason, by }: Decision,
): Promise<unknown> {
  const effectiveAt = context.clock.now();
  return appendLedger(context, tx, { modelId, environment: null, kind, subject: {}, reason, effectiveAt, by });
}
