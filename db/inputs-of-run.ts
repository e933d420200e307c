import { eq } from './orm.ts';
import type { Id, Scope } from '../contracts/identifiers.ts';
import type { RunInputs } from '../contracts/run.ts';
import type { Transaction } from './connection.ts';
import { inScope } from './generations.ts';
import { mustBeOf } from './prove-run.ts';
import { lockRun } from './run-rows.ts';
import { modelEnvironments, runs } from './schema.ts';

/**
 * What the build began with: the configuration and the heads as its first step found them, in one look. Whoever asks later,
 * another worker or another attempt, is told the same, whatever has moved meanwhile.
 */
export async function inputsOfRun(tx: Transaction, scope: Scope, runId: Id): Promise<RunInputs> {
  const row = await lockRun(tx, runId);
  mustBeOf(row, scope, ['build']);
  if (row.run.inputs !== null) return row.run.inputs;
  const { configurationId, datasetVersionId, codeVersionId } = modelEnvironments;
  const [found] = await tx
    .select({ configurationId, datasetVersionId, codeVersionId })
    .from(modelEnvironments)
    .where(inScope(scope));
  const inputs = found ?? { configurationId: null, datasetVersionId: null, codeVersionId: null };
  await tx.update(runs).set({ inputs }).where(eq(runs.id, runId));
  return inputs;
}
