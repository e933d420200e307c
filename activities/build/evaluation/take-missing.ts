import type { Cell } from '../../../contracts/data/data-types.ts';
import { PerennialError } from '../../../contracts/errors.ts';
import type { TrainedRows } from '../../../contracts/models/model-version.ts';
import type { Fill, Signature, SignatureInput } from '../../../contracts/models/signature.ts';
import type { ColumnData } from '../../../ports/table-engine.ts';

type Columns = ColumnData['columns'];

/** Undoes `data.fill` in the training rows: turns as many of the values that equal the fill back into missing ones. */
export function withoutFill(
  training: Columns,
  fill: Readonly<Record<string, Fill>>,
  filled: TrainedRows['filled'] = [],
): Columns {
  const before = filled.map(({ name, rows }): [string, readonly Cell[]] => {
    const value = fill[name];
    let left = rows;
    return [
      name,
      (training[name] ?? []).map((cell) => {
        if (left === 0 || !isFill(cell, value)) return cell;
        left -= 1;
        return null;
      }),
    ];
  });
  return { ...training, ...Object.fromEntries(before) };
}

/** The engine stores a fill in its column's type: 1 may become 1.0, and text may become a date. */
function isFill(cell: Cell, fill: Fill | undefined): boolean {
  return cell === fill || (cell !== null && fill !== undefined && String(cell) === String(fill));
}

/** Returns the rows with missing values replaced by their fill. */
export function withFill(columns: Columns, fill: Readonly<Record<string, Fill>>): Columns {
  return Object.fromEntries(
    Object.entries(columns).map(([name, cells]) => {
      const value = Object.hasOwn(fill, name) ? fill[name] : undefined;
      return [name, value === undefined ? cells : cells.map((cell) => cell ?? value)];
    }),
  );
}

/**
 * Adds to the inputs what the gateway needs for missing values: which features lacked values, and each feature's fill.
 */
export function inputsThatMayMiss(
  { inputs }: Pick<Signature, 'inputs'>,
  fill: Readonly<Record<string, Fill>>,
  rows: readonly Columns[],
): SignatureInput[] {
  return inputs.map((input) => {
    const { name } = input;
    const value = Object.hasOwn(fill, name) ? fill[name] : undefined;
    const missing = rows.some((columns) => columns[name]?.includes(null) === true);
    return { ...input, ...(missing ? { missing } : {}), ...(value === undefined ? {} : { fill: value }) };
  });
}

/** @throws PerennialError `invalid-configuration` if a fill does not fit the type of the model's input. */
export function mustTakeFill({ name, type, fill }: SignatureInput): void {
  if (fill === undefined) return;
  const takes = {
    FP32: typeof fill !== 'string',
    FP64: typeof fill !== 'string',
    INT64: typeof fill === 'boolean' || Number.isSafeInteger(fill),
    BOOL: typeof fill === 'boolean' || fill === 0 || fill === 1,
    BYTES: typeof fill === 'string',
  }[type];
  if (takes) return;
  throw new PerennialError(
    'invalid-configuration',
    `data.fill replaces a missing "${name}" with ${JSON.stringify(fill)}, but the model takes ${type} for this feature; use a value of that type`,
    { feature: name, type },
  );
}
