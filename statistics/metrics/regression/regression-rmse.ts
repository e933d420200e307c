import type { RegressionMeasure } from './regression-measure.ts';
import { meanOverRows } from './regression-measure.ts';

const meanSquaredError = meanOverRows((truth, prediction) => (truth - prediction) * (truth - prediction));

/** Root of the mean squared error, in units of the target. */
export const regressionRmse: RegressionMeasure = {
  whole: (sample) => Math.sqrt(meanSquaredError.whole(sample)),
  resampled(sample, blocks) {
    const squared = meanSquaredError.resampled(sample, blocks);
    return (drawn) => Math.sqrt(squared(drawn));
  },
};
