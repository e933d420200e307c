import type { ServedAnswers } from '../../activities/measurement/served-sample.ts';
import type { Cell } from '../../contracts/data/data-types.ts';
import type { ClassValue } from '../../contracts/models/signature.ts';

interface Answered {
  readonly predictions: readonly Cell[];
  readonly labels: readonly (ClassValue | null)[];
}

/** Returns rows of a version without probabilities as one piece. */
export function answeredCells({ predictions, labels }: Answered): ServedAnswers {
  const piece = {
    rows: labels.length,
    versionOf: () => 1,
    predictionOf: (row: number) => predictions[row] ?? null,
    sharesOf: () => 0,
    shareOf: () => Number.NaN,
    labelOf: (row: number) => labels[row] ?? null,
  };
  return {
    rows: labels.length,
    async *pieces() {
      yield piece;
    },
  };
}
