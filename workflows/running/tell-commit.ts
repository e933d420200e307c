import { CancellationScope, log } from '@temporalio/workflow';
import { reasonOf } from '../../contracts/errors.ts';
import type { PipelineInput } from '../../contracts/runs/workflows.ts';
import { codeRuns } from '../../contracts/pipelines/code-runs.ts';
import { stepsOf } from './step-proxies.ts';

const { reportCommitStatus } = stepsOf(codeRuns);

/**
 * Runs a pipeline and then reports its result as a commit status, however the run ended. A failure to report changes
 * nothing.
 */
export async function tellCommit({ runId, scope }: PipelineInput, pipeline: () => Promise<void>): Promise<void> {
  try {
    await pipeline();
  } finally {
    await CancellationScope.nonCancellable(async () => {
      try {
        await reportCommitStatus({ about: { runId, scope } });
      } catch (caught) {
        log.info('the commit status could not be reported', { reason: reasonOf(caught) });
      }
    });
  }
}
