import type { Answers } from '../../ports/model-format.ts';
import type { Columns } from './tensor-columns.ts';
import type { ServedScope, ServedSlot } from '../serving/serving-table.ts';

/**
 * Whether a failure of one release of a step is its own: the other one (the champion for a canary, and the other way
 * round) is asked the same rows and answers them. What neither can answer is the caller's. Pairs in which one fails and
 * the other does not are what McNemar's test compares (Psychometrika 12, 1947). false where there is no other.
 *
 * @param failed the rows that failed; undefined: the request as a whole.
 */
export async function failsAlone(
  served: ServedScope,
  slot: ServedSlot,
  columnsOf: (other: ServedSlot) => Columns,
  failed: Answers['failures'] | undefined,
): Promise<boolean> {
  const other = otherOf(served, slot);
  if (other === undefined) return false;
  try {
    const { rows, failures } = await other.model.predict(columnsOf(other));
    if (failed === undefined) return failures.length < rows;
    const unanswered = new Set(failures.map(({ row }) => row));
    return failed.some(({ row }) => !unanswered.has(row));
  } catch {
    // Any failure counts: the other release does not answer either.
    return false;
  }
}

function otherOf({ champion, canary }: ServedScope, slot: ServedSlot): ServedSlot | undefined {
  if (slot === champion) return canary;
  return slot === canary ? champion : undefined;
}
