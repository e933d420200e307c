import { overBins } from '../drift-test.ts';
import { populationStabilityIndex } from '../population-stability-index.ts';

export const psiTest = overBins(populationStabilityIndex);
