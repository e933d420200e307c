import { overBins } from '../drift-test.ts';
import { jensenShannonDistance } from '../jensen-shannon.ts';

export const jensenShannonTest = overBins(jensenShannonDistance);
