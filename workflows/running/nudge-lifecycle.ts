import { getExternalWorkflowHandle, log } from '@temporalio/workflow';
import { reasonOf } from '../../contracts/errors.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import { lifecycleWorkflowId, nudgeSignal } from '../../contracts/runs/workflows.ts';

/** Makes the environment's lifecycle look at the database now. */
export async function nudgeLifecycle(scope: Scope): Promise<void> {
  try {
    await getExternalWorkflowHandle(lifecycleWorkflowId(scope)).signal(nudgeSignal);
  } catch (caught) {
    // No lifecycle is running. The next one reads the database when it starts, so a lost nudge does no harm.
    log.info('the lifecycle could not be nudged', { reason: reasonOf(caught) });
  }
}
