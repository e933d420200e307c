import type { ApprovalWarning } from '../../../contracts/approval.ts';
import { farStandardDeviations } from '../../../contracts/dataset-difference.ts';
import type { ColumnReference } from '../../../contracts/model-version.ts';
import type { ColumnMovement } from './column-movement.ts';
import { columnMovement } from './column-movement.ts';

/** Numbers that are spread ten times as wide are of another magnitude, even around the same mean. */
const farSpread = 10;
/** Most rows: less may be the new category or the gap that every table gets now and then. */
const mostRows = 0.5;
/** Nobody reads more of them; they come with the farthest first. */
const mostColumns = 10;

/** Two sets of rows, and what they are for people. */
export interface Compared {
  readonly before: readonly ColumnReference[];
  readonly after: readonly ColumnReference[];
  /** As in `the champion's training rows`. */
  readonly beforeAre: string;
  readonly afterAre: string;
}

/** Columns whose values moved far between any of these rows, the farthest first; of each column the farthest movement. */
export function dataMoved(comparisons: readonly Compared[], exclude: readonly string[] = []): ApprovalWarning[] {
  const farthest = new Map<string, Moved>();
  for (const compared of comparisons)
    for (const moved of movedIn(compared)) {
      const known = farthest.get(moved.column);
      if (!exclude.includes(moved.column) && (known === undefined || known.distance < moved.distance))
        farthest.set(moved.column, moved);
    }
  const told = [...farthest.values()].toSorted((a, b) => b.distance - a.distance || (a.column < b.column ? -1 : 1));
  const rest = told.slice(mostColumns).map(({ column }) => column);
  return [
    ...told.slice(0, mostColumns).map(({ column, message }) => ({ code: 'data-moved' as const, message, column })),
    ...(rest.length === 0
      ? []
      : [{ code: 'data-moved' as const, message: `${rest.length} more columns moved far, ${rest[0]} among them` }]),
  ];
}

interface Moved {
  readonly column: string;
  readonly distance: number;
  readonly message: string;
}

function movedIn({ before, after, beforeAre, afterAre }: Compared): Moved[] {
  const earlier = new Map(before.map((reference) => [reference.name, reference]));
  return after.flatMap((reference) => {
    const compared = earlier.get(reference.name);
    if (compared === undefined || compared.count + (compared.missing ?? 0) === 0) return [];
    const told = farMovement(columnMovement(compared, reference), { beforeAre, afterAre });
    return told === null ? [] : [{ column: reference.name, ...told, message: `${reference.name} ${told.message}` }];
  });
}

type Sides = Pick<Compared, 'beforeAre' | 'afterAre'>;

/** null: not far. What is measured in standard deviations sorts before shares, which are counted as the threshold at most. */
function farMovement(moved: ColumnMovement, sides: Sides): Omit<Moved, 'column'> | null {
  const { numbers, unseen, missingBefore, missingAfter } = moved;
  const { beforeAre, afterAre } = sides;
  const deviations = numbers?.standardDeviations ?? null;
  if (numbers !== null && deviations !== null && deviations >= farStandardDeviations)
    return {
      distance: deviations,
      message: `moved by ${short(deviations)} standard deviations: its mean is ${short(numbers.meanAfter)} in ${afterAre}, and ${short(numbers.meanBefore)} in ${beforeAre}`,
    };
  const spread = numbers?.spread ?? null;
  if (spread !== null && spread >= farSpread)
    return {
      distance: farStandardDeviations,
      message: `is spread ${short(spread)} times as wide in ${afterAre} as in ${beforeAre}`,
    };
  if (missingAfter - missingBefore > mostRows)
    return {
      distance: missingAfter,
      message: `is missing in ${percent(missingAfter)} of ${afterAre}, and in ${percent(missingBefore)} of ${beforeAre}`,
    };
  // Quantities hardly ever come twice: new ones say nothing.
  if (unseen > mostRows && (numbers === null || deviations === null))
    return {
      distance: unseen,
      message: `has values in ${percent(unseen)} of ${afterAre} that none of ${beforeAre} has`,
    };
  return null;
}

function short(value: number): string {
  return Math.abs(value) >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
