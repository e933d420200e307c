import { overBins } from '../drift-test.ts';
import { totalVariation } from '../total-variation.ts';

export const totalVariationTest = overBins(totalVariation);
