import { z } from 'zod';
import { Approval } from '../../contracts/serving/approval.ts';
import type { Run } from '../../contracts/runs/run.ts';
import { isFinal } from '../../contracts/runs/run.ts';
import type { ApiClient } from '../api-client.ts';
import type { CliContext } from '../cli-context.ts';
import { changeOf, describeApprovalWarnings } from '../views/evidence-view.ts';
import { followRun, mustHaveAchieved, mustHaveSucceeded } from './follow-run.ts';
import { outcomeOf } from '../views/run-view.ts';

const Approvals = z.object({ items: z.array(Approval) }).loose();

/**
 * Follows a deployment to its end and ends the verb with the deployment's outcome. With `detach`, follows it only until
 * it waits for votes, or continues without votes because the policy asks for none. Prints each approval request once,
 * warnings first.
 */
export async function followDeployment(
  context: CliContext,
  api: ApiClient,
  run: Run,
  { version, detach = false }: { readonly version: number; readonly detach?: boolean | undefined },
): Promise<void> {
  let told: string | undefined;
  const ended = await followRun(context, api, run, {
    logs: false,
    farEnough: async (now) => {
      if (!hasAsked(now)) return false;
      const isTold = now.state === 'awaiting-approval' ? now.approvalId === told : told !== undefined;
      const approval = isTold ? undefined : await newestRequest(api, now);
      if (approval !== undefined) {
        tellRequest(context, now, approval);
        told = approval.id;
      }
      return detach;
    },
  });
  const isOver = isFinal(ended.state);
  if (isOver) mustHaveSucceeded(ended);
  context.output.data(ended, () => outcomeOf(ended));
  if (isOver) mustHaveAchieved(ended, `version ${version}`);
}

/**
 * Whether approval was requested. If the policy asks for no votes, the state `awaiting-approval` may be too short to be
 * seen, so the steps are checked too.
 */
function hasAsked(run: Run): boolean {
  if (run.state === 'awaiting-approval') return true;
  return run.steps.some(({ name, state }) => name === 'requestApproval' && state === 'succeeded');
}

async function newestRequest(api: ApiClient, run: Run): Promise<Approval | undefined> {
  if (run.state === 'awaiting-approval') return api.get(`/v1/approvals/${run.approvalId}`, Approval);
  const { model, environment } = run;
  const { items } = await api.get('/v1/approvals', Approvals, { model, environment, limit: 20 });
  return items.find(({ runId }) => runId === run.id);
}

function tellRequest({ output }: CliContext, run: Run, approval: Approval): void {
  for (const warning of describeApprovalWarnings(approval, output.colours)) output.note(warning);
  if (approval.replaces !== null)
    output.note(
      `the champion has changed, so the version was measured again and approval is requested again: ${changeOf(approval)}`,
    );
  output.note(
    approval.status === 'pending'
      ? `run ${run.id} waits for approval ${approval.id}; approve it with perennial approve ${approval.id}`
      : `run ${run.id} continues; its approval ${approval.id} is ${approval.status}`,
  );
}
