import { eq } from '../connection/orm.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { Id } from '../../contracts/identifiers.ts';
import type { Executor } from '../connection/connect.ts';
import { models } from './model-tables.ts';

/** Throws `model-archived` if the model is archived. */
export async function mustNotBeArchived(tx: Executor, modelId: Id): Promise<void> {
  const [model] = await tx.select().from(models).where(eq(models.id, modelId));
  if (model === undefined || model.archivedAt === null) return;
  throw new PerennialError(
    'model-archived',
    `model ${model.project}/${model.name} was archived; \`perennial restore ${model.name}\` brings it back`,
    { model: model.name, archivedAt: model.archivedAt.toISOString() },
  );
}
