import type { PipelineInput } from '../contracts/runs/workflows.ts';
import { codeRuns } from '../contracts/pipelines/code-runs.ts';
import { runPipeline } from './running/run-pipeline.ts';
import { stepsOf } from './running/step-proxies.ts';
import { tellCommit } from './running/tell-commit.ts';

const steps = stepsOf(codeRuns);

/**
 * Packs the uploaded or fetched code as a canonical archive, commits a CodeVersion and moves the environment's code
 * head.
 */
export async function codePipeline(input: PipelineInput): Promise<void> {
  const { runId, scope } = input;
  await tellCommit(input, () => runPipeline(input, () => steps.commitCode({ runId, scope })));
}
