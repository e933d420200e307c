import { PerennialError } from '../../../contracts/errors.ts';
import type { Fill, Signature, SignatureInput } from '../../../contracts/models/signature.ts';
import type { ColumnData } from '../../../ports/table-engine.ts';

type Columns = ColumnData['columns'];

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
 *
 * @param lacking features without a value in some training or held-out row, before the fill.
 */
export function inputsThatMayMiss(
  { inputs }: Pick<Signature, 'inputs'>,
  fill: Readonly<Record<string, Fill>>,
  lacking: ReadonlySet<string>,
): SignatureInput[] {
  return inputs.map((input) => {
    const { name } = input;
    const value = Object.hasOwn(fill, name) ? fill[name] : undefined;
    return {
      ...input,
      ...(lacking.has(name) ? { missing: true as const } : {}),
      ...(value === undefined ? {} : { fill: value }),
    };
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
