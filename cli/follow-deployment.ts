import type { Run } from '../contracts/run.ts';
import type { ApiClient } from './api-client.ts';
import type { CliContext } from './context.ts';
import { followRun, mustHaveAchieved, mustHaveSucceeded } from './follow-run.ts';
import { outcomeOf } from './run-view.ts';

/** Stays with a deployment to its end, or with `detach` until it waits for votes; the verb ends with its outcome. */
export async function followDeployment(context: CliContext, api: ApiClient, run: Run, detach: boolean): Promise<void> {
  const ended = await followRun(context, api, run, {
    logs: false,
    onApproval: ({ approvalId }) => {
      context.output.note(`run ${run.id} waits for approval ${approvalId}: perennial approve ${approvalId}`);
      return detach;
    },
  });
  const waits = ended.state === 'awaiting-approval';
  if (!waits) mustHaveSucceeded(ended);
  context.output.data(ended, () => outcomeOf(ended));
  if (!waits) mustHaveAchieved(ended);
}
