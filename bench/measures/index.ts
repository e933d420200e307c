import type { BenchMeasure } from '../running/bench-measure.ts';
import { besideLargeRequests } from './beside-large-requests.ts';
import { buildOverhead } from './build-overhead.ts';
import { canaryServing } from './canary-serving.ts';
import { changesUnderLoad } from './changes-under-load.ts';
import { demoRehearsal } from './demo-rehearsal.ts';
import { driftReports } from './drift-reports.ts';
import { emptySteps } from './empty-steps.ts';
import { hundredRowServing } from './hundred-row-serving.ts';
import { ingestion } from './ingestion.ts';
import { singleRowServing } from './single-row-serving.ts';
import { stackStart } from './stack-start.ts';
import { steadyMemory } from './steady-memory.ts';

/** Every measure, in the order in which they run and in which docs/performance.md shows them. */
export const measures: readonly BenchMeasure[] = [
  singleRowServing,
  hundredRowServing,
  besideLargeRequests,
  canaryServing,
  steadyMemory,
  changesUnderLoad,
  ingestion,
  driftReports,
  emptySteps,
  buildOverhead,
  stackStart,
  demoRehearsal,
];
