import { CancellationScope, log } from '@temporalio/workflow';
import { reasonOf } from '../../contracts/errors.ts';
import type { PipelineInput } from '../../contracts/runs/workflows.ts';
import { codeRuns } from '../../contracts/pipelines/code-runs.ts';
import { stepsOf } from './step-proxies.ts';

const { reportCommitStatus } = stepsOf(codeRuns);

/** After the run is concluded, however it ended, the commit that it was about is told; that it fails changes nothing. */
export async function tellCommit({ runId, scope }: PipelineInput, pipeline: () => Promise<void>): Promise<void> {
  try {
    await pipeline();
  } finally {
    await CancellationScope.nonCancellable(async () => {
      try {
        await reportCommitStatus({ about: { runId, scope } });
      } catch (caught) {
        log.info('the commit could not be told', { reason: reasonOf(caught) });
      }
    });
  }
}
