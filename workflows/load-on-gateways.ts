import { sleep } from '@temporalio/workflow';
import type { PipelineInput } from '../contracts/workflows.ts';
import { deployActivities } from './activities.ts';
import { backOff } from './waiting.ts';

const pauses = { firstMs: 250, longestMs: 5_000 };

/** Until every live gateway has it. The activity holds its slot for a few seconds at a time; between, this waits. */
export async function loadOnGateways(
  { runId, scope }: Pick<PipelineInput, 'runId' | 'scope'>,
  generation: number,
): Promise<void> {
  const begunAt = Date.now();
  for (const nextPause = backOff(pauses); ;) {
    const waitedMs = Date.now() - begunAt;
    const { loaded } = await deployActivities.awaitGateways({ runId, scope, generation, waitedMs });
    if (loaded) return;
    await sleep(nextPause());
  }
}
