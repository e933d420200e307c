import {
  ApplicationFailure,
  CancellationScope,
  condition,
  defineSignal,
  isCancellation,
  log,
  setHandler,
  sleep,
} from '@temporalio/workflow';
import type { CanaryVerdict, RolloutFacts } from '../activities/activity-types.ts';
import { reasonOf } from '../contracts/errors.ts';
import type { RunOutcome } from '../contracts/run.ts';
import type { PipelineInput } from '../contracts/workflows.ts';
import { nudgeSignal } from '../contracts/workflows.ts';
import { deployActivities } from './activities.ts';
import { runPipeline } from './run-pipeline.ts';
import { tellRelease } from './search-attributes.ts';

// A lost nudge is caught by looking again: soon at first, and later at longer intervals, so that an approval that waits
// for days stays a few thousand events.
const lookAgainMs = { first: 15_000, longest: 600_000 };
const rolloutRetryMs = 2_000;
const canaryCheckMs = 5_000;
/** Looking at labels reads what the gateways have logged. */
const metricEveryMs = 30_000;

/** Release → approval → canary steps → promote, or back to the champion by itself. */
export async function deployPipeline(input: PipelineInput): Promise<void> {
  let nudges = 0;
  let heeded = 0;
  setHandler(defineSignal(nudgeSignal), () => {
    nudges += 1;
  });
  // One that comes while the database is being asked counts for the next look.
  const nudged = async (timeoutMs: number): Promise<void> => {
    await condition(() => nudges > heeded, timeoutMs);
    heeded = nudges;
  };
  await runPipeline(input, async () => {
    const facts = await deployActivities.requestApproval({ runId: input.runId, scope: input.scope });
    tellRelease(facts.releaseDigest);
    const decided = await awaitApproval(input, facts, nudged);
    if (decided !== 'approved') return deployOutcome(facts, decided, null, [`approval ${decided}`]);
    const begun = await takeRollout(input, nudged);
    if (begun === 'superseded')
      return deployOutcome(facts, 'superseded', null, ['what serves has changed since the request']);
    return rollOut(input, facts);
  });
}

async function awaitApproval(
  input: PipelineInput,
  facts: RolloutFacts,
  nudged: (timeoutMs: number) => Promise<void>,
): Promise<'approved' | 'rejected' | 'expired' | 'superseded'> {
  const { approvalId } = facts;
  const told = new Set<string>();
  for (let waitMs = lookAgainMs.first; ; waitMs = Math.min(2 * waitMs, lookAgainMs.longest)) {
    const { status, expiresInMs, remindInMs } = await deployActivities.tallyApproval({
      runId: input.runId,
      scope: input.scope,
      approvalId,
    });
    if (status !== 'pending') return status;
    // null: the ledger has the reminder by now.
    const about = remindInMs === null ? 'reminded' : 'requested';
    if (facts.notify && !told.has(about)) {
      told.add(about);
      void notify(input, approvalId, about);
    }
    await nudged(Math.max(1_000, Math.min(remindInMs ?? waitMs, expiresInMs ?? waitMs, waitMs)));
  }
}

/** Not waited for: a receiver that is away must not keep a vote from being counted. */
async function notify({ runId, scope }: PipelineInput, approvalId: string, about: 'requested' | 'reminded') {
  try {
    await deployActivities.notifyOfApproval({ runId, scope, approvalId, about });
  } catch (caught) {
    log.warn('nobody was told of a request', { approvalId, reason: reasonOf(caught) });
  }
}

async function takeRollout(
  input: PipelineInput,
  nudged: (timeoutMs: number) => Promise<void>,
): Promise<'begun' | 'superseded'> {
  for (;;) {
    const answer = await deployActivities.beginRollout({ runId: input.runId, scope: input.scope });
    if (answer !== 'taken') return answer;
    await nudged(rolloutRetryMs);
  }
}

async function rollOut(input: PipelineInput, facts: RolloutFacts): Promise<RunOutcome> {
  const { runId, scope } = input;
  // The first release has nobody to be compared with: straight to all of it.
  const isFirst = facts.championDigest === null;
  const steps = isFirst ? [100] : facts.steps;
  const told: string[] = [];
  try {
    // Runs that began before there were shadows know of none.
    if (!isFirst && facts.shadow) {
      const verdict = await shadow(input, facts, facts.shadow);
      if (verdict.verdict !== 'pass') return await abort(input, facts, verdict.reason);
      told.push(verdict.reason);
    }
    let generation = 0;
    for (const weight of steps) {
      ({ generation } = await deployActivities.raiseGeneration({ runId, scope, weight }));
      await deployActivities.awaitGateways({ runId, scope, generation });
      if (weight === 100) break;
      const verdict = await watchCanary(input, facts, generation);
      if (verdict.verdict !== 'pass') return await abort(input, facts, verdict.reason);
    }
    await deployActivities.endRollout({ runId, scope });
    return deployOutcome(facts, 'promoted', generation, told);
  } catch (caught) {
    return CancellationScope.nonCancellable(() => recover(input, facts, caught));
  }
}

/** The champion answers all and the release is asked too, until enough has been compared. */
async function shadow(
  { runId, scope }: PipelineInput,
  facts: RolloutFacts,
  { bakeMs }: NonNullable<RolloutFacts['shadow']>,
): Promise<CanaryVerdict> {
  const { releaseDigest } = facts;
  const { generation } = await deployActivities.raiseGeneration({ runId, scope, weight: 0 });
  await deployActivities.awaitGateways({ runId, scope, generation });
  const judged = () => deployActivities.judgeShadow({ runId, scope, generation, releaseDigest });
  if (!facts.virtual) return bake(facts, bakeMs, judged);
  await deployActivities.replayToCanary({ runId, scope, generation });
  return judged();
}

/** Whatever went wrong in the middle of a rollout: the champion serves alone again before anything is said. */
async function recover(input: PipelineInput, facts: RolloutFacts, caught: unknown): Promise<RunOutcome> {
  const cause = caught instanceof Error && caught.cause instanceof ApplicationFailure ? caught.cause : undefined;
  if (cause?.type === 'rollout-superseded') return deployOutcome(facts, 'superseded', null, [cause.message]);
  const reason = isCancellation(caught) ? 'cancelled' : reasonOf(cause ?? caught);
  await deployActivities.abortRollout({ runId: input.runId, scope: input.scope, reason });
  throw caught;
}

async function abort({ runId, scope }: PipelineInput, facts: RolloutFacts, reason: string): Promise<RunOutcome> {
  const { generation } = await deployActivities.abortRollout({ runId, scope, reason });
  return deployOutcome(facts, 'aborted', generation, [reason]);
}

/** Bakes one step: at least the bake time and the minimum of requests, stopped at once when an abort condition fires. */
async function watchCanary(
  { runId, scope }: PipelineInput,
  facts: RolloutFacts,
  generation: number,
): Promise<CanaryVerdict> {
  const { releaseDigest } = facts;
  const judged = (withMetric: boolean) =>
    deployActivities.judgeCanary({ runId, scope, generation, releaseDigest, withMetric });
  if (facts.virtual) {
    // Timers of policy collapse once the minimum is met: the requests are replayed.
    await deployActivities.replayToCanary({ runId, scope, generation });
    return judged(false);
  }
  let lookedAt = Date.now();
  return bake(facts, facts.bakeMs, async (isBaked) => {
    const withMetric = isBaked || Date.now() - lookedAt >= metricEveryMs;
    if (withMetric) lookedAt = Date.now();
    return judged(withMetric);
  });
}

/** At least that long, and as long as there has not been enough, or what `onInsufficient` says; an abort ends it at once. */
async function bake(
  facts: RolloutFacts,
  bakeMs: number,
  judged: (isBaked: boolean) => Promise<CanaryVerdict>,
): Promise<CanaryVerdict> {
  const bakedAt = Date.now() + bakeMs;
  for (;;) {
    await sleep(Math.max(250, Math.min(canaryCheckMs, bakedAt - Date.now())));
    const isBaked = Date.now() >= bakedAt;
    const verdict = await judged(isBaked);
    if (verdict.verdict === 'abort') return verdict;
    if (!isBaked) continue;
    if (verdict.verdict === 'pass') return verdict;
    if (facts.onInsufficient === 'proceed') return { ...verdict, verdict: 'pass' };
    if (facts.onInsufficient === 'abort') return { ...verdict, verdict: 'abort' };
  }
}

function deployOutcome(
  facts: RolloutFacts,
  decision: Extract<RunOutcome, { kind: 'deploy' }>['decision'],
  generation: number | null,
  reasons: string[],
): RunOutcome {
  return {
    kind: 'deploy',
    decision,
    releaseId: facts.releaseId,
    releaseDigest: facts.releaseDigest,
    generation,
    reasons,
  };
}
