import type { ApprovalWarning } from '../../../contracts/serving/approval.ts';
import { farStandardDeviations } from '../../../contracts/data/dataset-difference.ts';
import type { ColumnReference } from '../../../contracts/models/model-version.ts';
import type { ColumnMovement } from './column-movement.ts';
import { columnMovement } from './column-movement.ts';

/** A standard deviation ten times as large suggests another unit, even if the mean is the same. */
const farSpread = 10;
/** Share of rows. A smaller share of new categories or missing values is common in ordinary data. */
const mostRows = 0.5;
/** Columns beyond this number are summarised in one line. */
const mostColumns = 10;

/** Two sets of rows, with the names that messages give them. */
export interface ComparedData {
  readonly before: readonly ColumnReference[];
  readonly after: readonly ColumnReference[];
  /** Name of the rows before in messages, for example `the champion's training rows`. */
  readonly beforeAre: string;
  readonly afterAre: string;
}

/**
 * Warns of columns whose distribution differs strongly in one of the comparisons. Each column is reported once, with
 * its largest difference; the largest comes first.
 */
export function dataMoved(comparisons: readonly ComparedData[], exclude: readonly string[] = []): ApprovalWarning[] {
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
      : [{ code: 'data-moved' as const, message: `${rest.length} more columns moved far, among them ${rest[0]}` }]),
  ];
}

interface Moved {
  readonly column: string;
  readonly distance: number;
  readonly message: string;
}

function movedIn({ before, after, beforeAre, afterAre }: ComparedData): Moved[] {
  const earlier = new Map(before.map((reference) => [reference.name, reference]));
  return after.flatMap((reference) => {
    const compared = earlier.get(reference.name);
    if (compared === undefined || compared.count + (compared.missing ?? 0) === 0) return [];
    const told = farMovement(columnMovement(compared, reference), { beforeAre, afterAre });
    return told === null ? [] : [{ column: reference.name, ...told, message: `${reference.name} ${told.message}` }];
  });
}

type Sides = Pick<ComparedData, 'beforeAre' | 'afterAre'>;

/**
 * Returns null if all differences are below the thresholds. The distance of a share is capped at the threshold, so that
 * shifts of the mean sort first.
 */
function farMovement(moved: ColumnMovement, sides: Sides): Omit<Moved, 'column'> | null {
  const { numbers, unseen, missingBefore, missingAfter } = moved;
  const { beforeAre, afterAre } = sides;
  const deviations = numbers?.standardDeviations ?? null;
  if (numbers !== null && deviations !== null && deviations >= farStandardDeviations)
    return {
      distance: deviations,
      message: `moved by ${short(deviations)} standard deviations: its mean is ${short(numbers.meanAfter)} in ${afterAre}, against ${short(numbers.meanBefore)} in ${beforeAre}`,
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
      message: `is missing in ${percent(missingAfter)} of ${afterAre}, against ${percent(missingBefore)} of ${beforeAre}`,
    };
  // Continuous values rarely repeat, so unseen values in such a column mean nothing.
  if (unseen > mostRows && (numbers === null || deviations === null))
    return {
      distance: unseen,
      message: `has values in ${percent(unseen)} of ${afterAre} that do not occur in ${beforeAre}`,
    };
  return null;
}

function short(value: number): string {
  return Math.abs(value) >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
