import { meanOverRows } from './regression-measure.ts';

/** The smallest |truth| that an error is divided by; scikit-learn's, the spacing of doubles at 1. */
const smallestTruth = Number.EPSILON;

/** Mean absolute percentage error: a share, not percent; huge where the truth is 0. */
export const regressionMape = meanOverRows(
  (truth, prediction) => Math.abs(truth - prediction) / Math.max(smallestTruth, Math.abs(truth)),
);
