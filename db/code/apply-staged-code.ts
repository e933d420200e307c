import { and, eq } from '../connection/orm.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { Id, Scope } from '../../contracts/identifiers.ts';
import type { Transaction } from '../connection/connect.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import { decidedByRun } from '../runs/decided-by-run.ts';
import { moveCodeHead } from './move-code-head.ts';
import { found } from '../connection/not-found.ts';
import type { modelEnvironments } from '../environments/environment-tables.ts';
import { codeVersions } from './code-tables.ts';
import { runs } from '../runs/run-tables.ts';
import { inScope } from '../connection/in-scope.ts';

interface Staged {
  readonly scope: Scope;
  readonly heads: Pick<typeof modelEnvironments.$inferSelect, 'codeVersionId'>;
  readonly runId: Id;
  readonly by: Id;
}

/**
 * Moves the environment's code head to the code that a run staged. Repeating the call changes nothing. The scope must
 * be locked.
 *
 * @throws PerennialError `conflict` if the run staged no code there, or has not succeeded.
 */
export async function applyStagedCode(
  context: RepositoryContext,
  tx: Transaction,
  { scope, heads, runId, by }: Staged,
): Promise<void> {
  const staged = await stagedBy(tx, scope, runId);
  if (staged.id === heads.codeVersionId) return;
  if ((await decidedByRun(tx, scope.modelId, 'code.committed', runId)) !== undefined) return;
  const [from] =
    heads.codeVersionId === null
      ? []
      : await tx.select().from(codeVersions).where(eq(codeVersions.id, heads.codeVersionId));
  await moveCodeHead(context, tx, scope, { from: from ?? null, to: staged, runId, by });
}

async function stagedBy(tx: Transaction, scope: Scope, runId: Id): Promise<typeof codeVersions.$inferSelect> {
  const [run] = await tx
    .select({ request: runs.request, outcome: runs.outcome })
    .from(runs)
    .where(and(eq(runs.id, runId), inScope(runs, scope)));
  const isStaged = run?.request.kind === 'code' && run.request.staged === true;
  if (!isStaged || run.outcome?.kind !== 'code')
    throw new PerennialError(
      'conflict',
      `run ${runId} has not staged code of ${scope.model} in ${scope.environment}; \`perennial apply\` stages and applies the code`,
      { runId },
    );
  const { codeVersionId } = run.outcome;
  const [version] = await tx.select().from(codeVersions).where(eq(codeVersions.id, codeVersionId));
  return found(version, `there is no code version ${codeVersionId}`, { codeVersionId });
}
