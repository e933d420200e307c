import { buildRuns } from './build-runs.ts';
import { codeRuns } from './code-runs.ts';
import { dataRuns } from './data-runs.ts';
import { deployRuns } from './deploy-runs.ts';
import { monitorRuns } from './monitor-runs.ts';
import { rehearsalRuns } from './rehearsal-runs.ts';
import { rollbackRuns } from './rollback-runs.ts';

/** All pipelines, by the kind of their runs. To add a pipeline, add a file to this folder and a line here. */
export const pipelines = {
  data: dataRuns,
  code: codeRuns,
  build: buildRuns,
  deploy: deployRuns,
  rollback: rollbackRuns,
  monitor: monitorRuns,
  rehearsal: rehearsalRuns,
};
