import { continueAsNew, log, workflowInfo } from '@temporalio/workflow';
import { reasonOf } from '../contracts/errors.ts';
import type { PipelineInput } from '../contracts/runs/workflows.ts';
import { deployRuns } from '../contracts/pipelines/deploy-runs.ts';
import { stepsOf } from './running/step-proxies.ts';
import type { DeployInput, Deployment, DeployProgress, Next, Telling } from './deploying/deploy-progress.ts';
import { deployOutcome } from './deploying/deploy-progress.ts';
import { nudgeLifecycle } from './running/nudge-lifecycle.ts';
import { beginSteps, watchStep } from './deploying/roll-out.ts';
import { runPipeline } from './running/run-pipeline.ts';
import { tellRelease } from './running/search-attributes.ts';
import { backOff, takeNudges } from './running/waiting.ts';

const steps = stepsOf(deployRuns);

// A lost nudge is caught by looking again: soon at first, and later at longer intervals, so that an approval that waits
// for weeks, or a deployment that waits for another one, costs a few looks an hour.
const looks = { firstMs: 15_000, longestMs: 600_000 };
const shortestWaitMs = 1_000;

/**
 * Measure against the champion → release → approval → shadow and canary steps → promote, or roll back automatically.
 */
export async function deployPipeline(input: DeployInput): Promise<void> {
  const nudged = takeNudges({ goesOn: input.at !== undefined });
  let beside = 0;
  const deployment: Deployment = {
    input,
    async wait(at, timeoutMs) {
      if (workflowInfo().continueAsNewSuggested && beside === 0)
        await continueAsNew<typeof deployPipeline>({ ...input, at });
      await nudged(timeoutMs);
    },
    beside(work) {
      beside += 1;
      void work.finally(() => (beside -= 1));
    },
  };
  await runPipeline(input, async () => {
    let next: Next = input.at ?? { phase: 'request', replaced: null };
    while ('phase' in next) next = await goOn(deployment, next);
    return next;
  });
}

function goOn(deployment: Deployment, at: DeployProgress): Promise<Next> {
  switch (at.phase) {
    case 'request':
      return request(deployment, at);
    case 'approval':
      return awaitApproval(deployment, at);
    case 'slot':
      return takeSlot(deployment, at);
    case 'bake':
      return watchStep(deployment, at);
  }
}

/** Requests approval only for a version that passes its gates against the current champion. */
async function request(deployment: Deployment, at: Extract<DeployProgress, { phase: 'request' }>): Promise<Next> {
  const { runId, scope } = deployment.input;
  const { replaced } = at;
  const refusal = await refusalOf(deployment.input);
  if (refusal !== null) return deployOutcome(replaced, 'refused', null, refusal);
  const replaces = replaced === null ? {} : { replaces: replaced.approvalId };
  const facts = await steps.requestApproval({ runId, scope, ...replaces });
  // The champion has changed since `confirmEvaluation` read it, so this phase is repeated.
  if (facts === null) return at;
  tellRelease(facts.releaseDigest);
  // In a rehearsal, a nudge of the lifecycle makes the rehearsal vote.
  if (facts.virtual) await nudgeLifecycle(scope);
  return { phase: 'approval', facts, told: [] };
}

/**
 * Measures the version again if the champion has changed since. Returns the reasons of the gates that reject it, or
 * null.
 */
async function refusalOf({ runId, scope }: PipelineInput): Promise<readonly string[] | null> {
  const { queue } = await steps.queueOfConfirmation({ runId, scope });
  if (queue === null) return null;
  const { decision, reasons } = await stepsOf(deployRuns, queue).confirmEvaluation({ runId, scope });
  return decision === 'rejected' ? reasons : null;
}

async function awaitApproval(
  deployment: Deployment,
  { facts, told: toldBefore }: Extract<DeployProgress, { phase: 'approval' }>,
): Promise<Next> {
  const { runId, scope } = deployment.input;
  const { approvalId } = facts;
  const told = new Set<Telling>(toldBefore);
  for (const nextWait = backOff(looks); ;) {
    const { status, expiresInMs, remindInMs } = await steps.tallyApproval({ runId, scope, approvalId });
    if (status === 'approved') return { phase: 'slot', facts };
    if (status !== 'pending') return deployOutcome(facts, status, null, [`the approval request is ${status}`]);
    // `remindInMs` is null once the ledger records that half of the time has passed.
    const about = remindInMs === null ? 'reminded' : facts.again ? 'requested-again' : 'requested';
    if (facts.notify && !told.has(about)) {
      told.add(about);
      deployment.beside(notify(deployment.input, approvalId, about));
    }
    const dueInMs = Math.min(expiresInMs ?? Infinity, remindInMs ?? Infinity);
    const waitMs = Math.max(shortestWaitMs, Math.min(dueInMs, nextWait()));
    await deployment.wait({ phase: 'approval', facts, told: [...told] }, waitMs);
  }
}

/** Notifies the voters. Not awaited, because an unreachable receiver must not delay the counting of votes. */
async function notify({ runId, scope }: PipelineInput, approvalId: string, about: Telling): Promise<void> {
  try {
    await steps.notifyOfApproval({ runId, scope, approvalId, about });
  } catch (caught) {
    log.warn('the notification about an approval request could not be sent', { approvalId, reason: reasonOf(caught) });
  }
}

/** An environment has one rollout at a time. When a rollout ends, the lifecycle nudges the deployments that wait. */
async function takeSlot(deployment: Deployment, at: Extract<DeployProgress, { phase: 'slot' }>): Promise<Next> {
  const { runId, scope } = deployment.input;
  for (const nextWait = backOff(looks); ;) {
    const answer = await steps.beginRollout({ runId, scope });
    if (answer === 'begun') return beginSteps(deployment, at.facts);
    if (answer === 'champion-changed') return { phase: 'request', replaced: at.facts };
    if (answer === 'superseded')
      return deployOutcome(at.facts, 'superseded', null, ['automatic promotion has been on hold since a rollback']);
    await deployment.wait(at, nextWait());
  }
}
