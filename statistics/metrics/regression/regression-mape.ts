import { meanOverRows } from './regression-measure.ts';

/** Smallest |truth| by which an error is divided: machine epsilon, as in scikit-learn. */
const smallestTruth = Number.EPSILON;

/** Mean absolute percentage error, as a share and not in percent. It is huge if a truth is 0. */
export const regressionMape = meanOverRows(
  (truth, prediction) => Math.abs(truth - prediction) / Math.max(smallestTruth, Math.abs(truth)),
);
