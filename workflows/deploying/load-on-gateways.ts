import { sleep } from '@temporalio/workflow';
import type { PipelineInput } from '../../contracts/runs/workflows.ts';
import { deployRuns } from '../../contracts/pipelines/deploy-runs.ts';
import { stepsOf } from '../running/step-proxies.ts';
import { backOff } from '../running/waiting.ts';

const { awaitGateways } = stepsOf(deployRuns);
const pauses = { firstMs: 250, longestMs: 5_000 };

/**
 * Waits until every live gateway has loaded the generation. Pauses between calls, so that the activity's slot is free
 * meanwhile.
 */
export async function loadOnGateways(
  { runId, scope }: Pick<PipelineInput, 'runId' | 'scope'>,
  generation: number,
): Promise<void> {
  const begunAt = Date.now();
  for (const nextPause = backOff(pauses); ;) {
    const waitedMs = Date.now() - begunAt;
    const { loaded } = await awaitGateways({ runId, scope, generation, waitedMs });
    if (loaded) return;
    await sleep(nextPause());
  }
}
