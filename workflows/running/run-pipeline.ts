import { ApplicationFailure, CancellationScope, ContinueAsNew } from '@temporalio/workflow';
import { lifecycleSteps, type RunConclusion } from '../../contracts/pipelines/lifecycle-steps.ts';
import type { RunOutcome } from '../../contracts/runs/run.ts';
import type { PipelineInput } from '../../contracts/runs/workflows.ts';
import { stepsOf } from './step-proxies.ts';
import { conclusionFrom } from './conclusion-from.ts';
import { nudgeLifecycle } from './nudge-lifecycle.ts';

const { beginRun, concludeRun } = stepsOf(lifecycleSteps);

/**
 * Wraps every pipeline: begins its run, ends it in exactly one way whatever happens, and nudges the lifecycle. The
 * run's row is what counts; the nudge only saves the lifecycle from waiting for its timer.
 */
export async function runPipeline(input: PipelineInput, steps: () => Promise<RunOutcome>): Promise<void> {
  const { runId, scope } = input;
  // Even a run that is cancelled at once must begin, because only a run that has begun can be concluded. An execution
  // that continues another one begins the run again, which changes nothing.
  const { alreadyFinal } = await CancellationScope.nonCancellable(() => beginRun({ runId, scope }));
  if (alreadyFinal) return;
  let conclusion: RunConclusion;
  try {
    conclusion = { state: 'succeeded', outcome: await steps() };
  } catch (caught) {
    // The workflow continues as new, so the run is not over.
    if (caught instanceof ContinueAsNew) throw caught;
    conclusion = conclusionFrom(caught);
  }
  await CancellationScope.nonCancellable(async () => {
    await concludeRun({ runId, scope, conclusion });
    await nudgeLifecycle(scope);
  });
  if (conclusion.state === 'failed') {
    throw ApplicationFailure.nonRetryable(conclusion.failure.message, conclusion.failure.code);
  }
}
