import type { Answers } from '../../ports/model-format.ts';
import type { Columns } from './tensor-columns.ts';
import type { ServedScope, ServedSlot } from '../serving/serving-table.ts';

/**
 * Returns whether a failure is specific to one release of a rollout step: the other release (the champion for a canary,
 * and the canary for the champion) predicts the same rows and answers them. A row that neither can answer is the
 * caller's fault. McNemar's test compares such pairs, in which one fails and the other does not (Psychometrika 12,
 * 1947). Returns false if there is no other release.
 *
 * @param failed the rows that failed; `undefined`: the whole request.
 */
export async function failsAlone(
  served: ServedScope,
  slot: ServedSlot,
  columnsOf: (other: ServedSlot) => Columns | Promise<Columns>,
  failed: Answers['failures'] | undefined,
): Promise<boolean> {
  const other = otherOf(served, slot);
  if (other === undefined) return false;
  try {
    const { rows, failures } = await other.model.predict((await columnsOf(other)).batch);
    if (failed === undefined) return failures.length < rows;
    const unanswered = new Set(failures.map(({ row }) => row));
    return failed.some(({ row }) => !unanswered.has(row));
  } catch {
    // Any error means that the other release does not answer either.
    return false;
  }
}

function otherOf({ champion, canary }: ServedScope, slot: ServedSlot): ServedSlot | undefined {
  if (slot === champion) return canary;
  return slot === canary ? champion : undefined;
}
