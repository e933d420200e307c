import type { Evidence, RowsCompared } from '../../contracts/serving/approval-evidence.ts';
import type { DatasetDifference } from '../../contracts/data/dataset-difference.ts';
import type { Colours } from './colours.ts';
import type { Output } from '../output.ts';
import { decimals } from '../verb.ts';

/** Describes the difference of two dataset versions: rows, columns, cells, then distributions. */
export function describeDifference(output: Output, difference: DatasetDifference): string {
  const { before, after, rows, columns, changedBy } = difference;
  const changed = rows.changed === null ? '' : `, ${rows.changed} changed`;
  const cells = output.table(
    ['column', 'changed rows'],
    changedBy.map(({ column, rows: count }) => [column, count]),
  );
  return [
    `dataset ${before.number} → ${after.number}: ${before.rows} → ${after.rows} rows; ${rows.added} added, ${rows.removed} removed${changed}, ${rows.unchanged} unchanged`,
    ...columns.added.map(({ name, type }) => `column ${name} is new (${type})`),
    ...columns.removed.map(({ name, type }) => `column ${name} is gone (${type})`),
    ...columns.changed.map((column) => `column ${column.name}: ${column.before.type} → ${column.after.type}`),
    ...(changedBy.length > 0 ? [cells] : []),
    ...examplesOf(difference),
    ...(difference.shifts.length > 0 ? [shiftsOf(output, difference.shifts)] : []),
  ].join('\n');
}

const mostShifts = 10;

/**
 * Compares the data of a request with the champion's, row by row if the rows were compared. Only lists what is missing
 * if nothing served before.
 */
export function describeDataOf(output: Output, { data, missing }: Evidence, colours: Colours): string[] {
  const unsaid = missing.map((what) => `missing: ${what}`);
  if (data === null || data.from === null) return unsaid;
  if (data.compared === undefined) return [`data: dataset ${data.from} → ${data.to}`, ...unsaid];
  const { rows, shifts, columns } = data.compared;
  const changed = rows.changed === null ? '' : `, ${rows.changed} changed`;
  const shown = shifts.slice(0, mostShifts);
  return [
    `data: dataset ${data.from} → ${data.to}: ${data.rowsBefore ?? 0} → ${data.rows} rows; ${rows.added} added, ${rows.removed} removed${changed}, ${rows.unchanged} unchanged`,
    ...(shown.length > 0 ? [shiftsOf(output, shown, colours)] : []),
    ...(columns > shown.length ? [`and ${columns - shown.length} columns that have shifted less`] : []),
    ...unsaid,
  ];
}

function examplesOf({ key, examples }: DatasetDifference): string[] {
  const some = (what: string, keys: readonly unknown[]) =>
    keys.length === 0 ? [] : [`${what}, by ${key ?? 'key'}: ${keys.map(String).join(', ')}`];
  return [
    ...some('first added', examples.added),
    ...some('first removed', examples.removed),
    ...examples.changed.map(
      ({ key: of, column, before, after }) => `changed ${String(of)}: ${column} ${String(before)} → ${String(after)}`,
    ),
  ];
}

function shiftsOf(output: Output, shifts: RowsCompared['shifts'], colours: Colours = output.dataColours): string {
  return output.table(
    ['column', 'psi', 'mean before', 'mean after', 'shift (standard deviations)', 'nulls before', 'nulls after'],
    shifts.map((shift) => [
      shift.column,
      decimals(shift.psi, 4),
      decimals(shift.mean.before, 4),
      decimals(shift.mean.after, 4),
      decimals(shift.standardisedDifference, 4),
      shift.nulls.before,
      shift.nulls.after,
    ]),
    colours,
  );
}
