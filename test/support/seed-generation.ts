import type { Generation } from '../../contracts/serving/deployment.ts';
import type { Id, Scope } from '../../contracts/identifiers.ts';
import { transact } from '../../db/connection/connect.ts';
import type { RepositoryContext } from '../../db/connection/repository-context.ts';
import { lockScope } from '../../db/connection/repository-context.ts';
import {
  championOf,
  newestGeneration,
  raiseGeneration,
  readRelease,
  slotFor,
} from '../../db/deployments/generations.ts';

/**
 * Raises a generation directly, without a rollout. Below a weight of 100 the release is a canary beside the champion;
 * at 0 it is a shadow.
 */
export function seedGeneration(
  context: RepositoryContext,
  scope: Scope,
  given: { readonly releaseId: Id; readonly weight?: number; readonly runId: Id; readonly by: Id },
): Promise<Generation> {
  const { releaseId, weight = 100, runId, by } = given;
  return transact(context.db, async (tx) => {
    await lockScope(tx, scope, by);
    const release = await readRelease(tx, releaseId);
    const champion = championOf(await newestGeneration(tx, scope));
    const alone = weight === 100 || champion === undefined;
    const role = weight === 0 ? 'shadow' : 'canary';
    const slots = alone
      ? [await slotFor(tx, release, 'champion', 100)]
      : [{ ...champion, weight: 100 - weight }, await slotFor(tx, release, role, weight)];
    const change = champion === undefined ? 'first' : alone ? 'promote' : role;
    return raiseGeneration(context, tx, scope, { slots, change, reason: 'a test', runId, by });
  });
}
