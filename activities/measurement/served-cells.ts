import type { Cell } from '../../contracts/data/data-types.ts';
import type { ServedRows } from '../../ports/table-engine.ts';

/** Returns the served values of a feature; empty if no version that answered takes the feature. */
export function servedCells({ features }: Pick<ServedRows, 'features'>, name: string): readonly Cell[] {
  return Object.hasOwn(features, name) ? (features[name] ?? []) : [];
}
