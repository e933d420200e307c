import { eq } from '../connection/orm.ts';
import type { Id, Scope } from '../../contracts/identifiers.ts';
import type { RunInputs } from '../../contracts/runs/run.ts';
import type { Transaction } from '../connection/connect.ts';
import { mustBeOf } from './prove-run.ts';
import { lockRun } from './run-rows.ts';
import { modelEnvironments } from '../environments/environment-tables.ts';
import { runs } from './run-tables.ts';
import { inScope } from '../connection/in-scope.ts';

/**
 * Returns the configuration and the heads that the build's first step read in one snapshot. Later calls from
 * other workers or attempts get the same values, even if the environment has changed since.
 */
export async function inputsOfRun(tx: Transaction, scope: Scope, runId: Id): Promise<RunInputs> {
  const row = await lockRun(tx, runId);
  mustBeOf(row, scope, ['build']);
  if (row.run.inputs !== null) return row.run.inputs;
  const { configurationId, datasetVersionId, codeVersionId } = modelEnvironments;
  const [found] = await tx
    .select({ configurationId, datasetVersionId, codeVersionId })
    .from(modelEnvironments)
    .where(inScope(modelEnvironments, scope));
  const inputs = found ?? { configurationId: null, datasetVersionId: null, codeVersionId: null };
  await tx.update(runs).set({ inputs }).where(eq(runs.id, runId));
  return inputs;
}
