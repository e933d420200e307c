import type { MissingPolicy } from '../../contracts/configuration/serve-section.ts';
import type { BatchLayout } from '../../contracts/data/column-batch.ts';
import { layoutOf } from '../../contracts/data/column-batch.ts';
import { refusalOfMissing } from '../../contracts/data/missing-values.ts';
import { kindOf } from '../../contracts/models/batch-of-cells.ts';
import type { Signature } from '../../contracts/models/signature.ts';

/**
 * A version's inputs: its signature, the policy for missing values in features that never lacked one in training, and
 * the texts that mean missing.
 */
export interface TakenInputs {
  readonly signature: Signature;
  readonly missing: MissingPolicy;
  readonly nulls: readonly string[];
}

/** How a version's inputs are read. It is prepared once per version, because requests need it again and again. */
export interface Taken extends TakenInputs {
  readonly layout: BatchLayout;
  /** Index of each input by name. */
  readonly places: ReadonlyMap<string, number>;
  /** For each input why a missing value is refused; `undefined` if it is accepted. */
  readonly refusals: readonly (string | undefined)[];
  readonly missingTexts: ReadonlySet<string>;
  /** Everything that decides how a request is read. Versions with the same text read every request to the same columns. */
  readonly reading: string;
}

export function takenFrom({ signature, missing, nulls }: TakenInputs): Taken {
  const { inputs } = signature;
  const names = inputs.map(({ name }) => name);
  return {
    signature,
    missing,
    nulls,
    layout: layoutOf(names, inputs.map(kindOf)),
    places: new Map(names.map((name, at) => [name, at])),
    refusals: inputs.map((input) => refusalOfMissing(input, missing)),
    missingTexts: new Set(nulls),
    reading: JSON.stringify([signature, missing, nulls]),
  };
}
