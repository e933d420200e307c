import type { Measure } from '../running/bench-measure.ts';
import { singleRowServing } from './single-row-serving.ts';

/** Every measure, in the order in which they run and in which docs/performance.md shows them. */
export const measures: readonly Measure[] = [singleRowServing];
