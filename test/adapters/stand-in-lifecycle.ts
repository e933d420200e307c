import { condition, defineQuery, defineSignal, defineUpdate, setHandler, workflowInfo } from '@temporalio/workflow';
import type { LifecycleInput } from '../../contracts/runs/workflows.ts';
import { advanceUpdate, nudgeSignal } from '../../contracts/runs/workflows.ts';

export interface Seen {
  readonly advanced: number;
  readonly nudged: number;
  readonly input: LifecycleInput;
  readonly attributes: unknown;
}

/** A minimal lifecycle workflow for tests of the client: it counts the updates and signals that it receives. */
async function standInLifecycle(input: LifecycleInput): Promise<void> {
  let advanced = 0;
  let nudged = 0;
  setHandler(defineUpdate(advanceUpdate), () => {
    advanced += 1;
  });
  setHandler(defineSignal(nudgeSignal), () => {
    nudged += 1;
  });
  setHandler(defineQuery<Seen>('seen'), () => ({
    advanced,
    nudged,
    input,
    attributes: workflowInfo().searchAttributes,
  }));
  await condition(() => false);
}

// The exported name is the workflow's type.
export { standInLifecycle as lifecycle };
