import { calibrationError } from '../calibration.ts';
import type { BinaryMeasure } from './binary-measure.ts';

/**
 * Expected calibration error, over ten bins of equal width.
 *
 * Source: Naeini, Cooper and Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian Binning" (2015).
 */
export const binaryEce: BinaryMeasure = { from: 'probabilities', of: calibrationError };
