import { meanOverRows } from './regression-measure.ts';

/** Mean absolute error, in units of the target. */
export const regressionMae = meanOverRows((truth, prediction) => Math.abs(truth - prediction));
