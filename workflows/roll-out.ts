import { ApplicationFailure, CancellationScope, ContinueAsNew, isCancellation, sleep } from '@temporalio/workflow';
import type { CanaryVerdict, RolloutFacts } from '../activities/activity-types.ts';
import { reasonOf } from '../contracts/errors.ts';
import { deployActivities } from './activities.ts';
import type { Baking, Deployment, DeployOutcome, Next } from './deploy-progress.ts';
import { deployOutcome } from './deploy-progress.ts';
import { loadOnGateways } from './load-on-gateways.ts';
import { untilNextLook } from './until-next-look.ts';
import { backOff } from './waiting.ts';

/** Looking at labels reads what the gateways have logged. */
const metricEveryMs = 30_000;
const telling = { firstMs: 100, longestMs: 2_000 };
const toldWithinMs = 60_000;

/** Weights that the rollout goes through: 0 is the shadow. The first release has nobody to be compared with. */
function stepsOf({ championDigest, shadow, steps }: RolloutFacts): readonly number[] {
  if (championDigest === null) return [100];
  return shadow === null ? steps : [0, ...steps];
}

/** The run has taken the rollout: its first step is raised. */
export function beginSteps(deployment: Deployment, facts: RolloutFacts): Promise<Next> {
  return orBack(deployment, facts, () => raise(deployment, facts, 0, []));
}

/** Bakes a step, then raises the next one. An abort condition that fires ends it at once. */
export function watchStep(deployment: Deployment, step: Baking): Promise<Next> {
  return orBack(deployment, step.facts, () => (step.facts.virtual ? replayStep : bakeStep)(deployment, step));
}

async function raise(
  deployment: Deployment,
  facts: RolloutFacts,
  step: number,
  told: readonly string[],
): Promise<Next> {
  const { runId, scope } = deployment.input;
  const weight = stepsOf(facts)[step] ?? 100;
  const { generation } = await deployActivities.raiseGeneration({ runId, scope, weight });
  await loadOnGateways({ runId, scope }, generation);
  if (weight < 100) return { phase: 'bake', facts, step, generation, begunAt: Date.now(), told };
  await deployActivities.endRollout({ runId, scope });
  return deployOutcome(facts, 'promoted', generation, told);
}

/** Timers of policy collapse under a virtual clock: the requests are replayed. */
async function replayStep(deployment: Deployment, at: Baking): Promise<Next> {
  const { runId, scope } = deployment.input;
  await deployActivities.replayToCanary({ runId, scope, generation: at.generation });
  const verdict = await judgeReplayed(deployment, at);
  if (verdict.verdict !== 'pass') return abort(deployment, at.facts, verdict.reason);
  return (await raiseIfDue(deployment, at, verdict)) ?? bakeStep(deployment, at);
}

/** What was replayed is counted as soon as the gateways have told it, once a second; one that was killed tells it after its restart. */
async function judgeReplayed(deployment: Deployment, at: Baking): Promise<CanaryVerdict> {
  const giveUpAt = Date.now() + toldWithinMs;
  for (const nextPause = backOff(telling); ;) {
    const verdict = await judge(deployment, at, false);
    if (verdict.verdict !== 'insufficient' || Date.now() >= giveUpAt) return verdict;
    await sleep(nextPause());
  }
}

/** At least as long as the strategy says, and until there has been enough, or what `onInsufficient` says. */
async function bakeStep(deployment: Deployment, at: Baking): Promise<Next> {
  const { facts, begunAt } = at;
  const bakeMs = bakeMsOf(at);
  for (let metricAt = Date.now(); ;) {
    await deployment.wait(at, untilNextLook(bakeMs, Date.now() - begunAt));
    const isBaked = Date.now() - begunAt >= bakeMs;
    const withMetric = isBaked || Date.now() - metricAt >= metricEveryMs;
    if (withMetric) metricAt = Date.now();
    const verdict = await judge(deployment, at, withMetric);
    const isOver = isBaked && (verdict.verdict === 'pass' || facts.onInsufficient !== 'extend');
    if (verdict.verdict === 'abort' || (isOver && isTooLittle(verdict, facts)))
      return abort(deployment, facts, verdict.reason);
    const next = isOver ? await raiseIfDue(deployment, at, verdict) : undefined;
    if (next !== undefined) return next;
  }
}

function bakeMsOf(at: Baking): number {
  const { virtual, shadow, bakeMs } = at.facts;
  if (virtual) return 0;
  return isShadow(at) && shadow !== null ? shadow.bakeMs : bakeMs;
}

function isTooLittle({ verdict }: CanaryVerdict, { onInsufficient }: RolloutFacts): boolean {
  return verdict === 'insufficient' && onInsufficient === 'abort';
}

function isShadow({ facts, step }: Baking): boolean {
  return stepsOf(facts)[step] === 0;
}

function judge({ input }: Deployment, at: Baking, withMetric: boolean): Promise<CanaryVerdict> {
  const { runId, scope } = input;
  const { generation, facts } = at;
  const step = { runId, scope, generation, releaseDigest: facts.releaseDigest };
  return isShadow(at) ? deployActivities.judgeShadow(step) : deployActivities.judgeCanary({ ...step, withMetric });
}

/**
 * The next step. Undefined: the database does not yet find this one over, by its own clock and counts, so it is looked at
 * again. What a shadow showed is said when the release is promoted.
 */
async function raiseIfDue(deployment: Deployment, at: Baking, { reason }: CanaryVerdict): Promise<Next | undefined> {
  try {
    return await raise(deployment, at.facts, at.step + 1, isShadow(at) ? [...at.told, reason] : at.told);
  } catch (caught) {
    if (failureIn(caught)?.type === 'step-not-due') return undefined;
    throw caught;
  }
}

async function abort({ input }: Deployment, facts: RolloutFacts, reason: string): Promise<DeployOutcome> {
  const { runId, scope } = input;
  const { generation } = await deployActivities.abortRollout({ runId, scope, reason });
  return deployOutcome(facts, 'aborted', generation, [reason]);
}

/** Whatever goes wrong in the middle of a rollout: the champion serves alone again before anything is said. */
async function orBack(deployment: Deployment, facts: RolloutFacts, work: () => Promise<Next>): Promise<Next> {
  try {
    return await work();
  } catch (caught) {
    if (caught instanceof ContinueAsNew) throw caught;
    return CancellationScope.nonCancellable(() => goBack(deployment, facts, caught));
  }
}

async function goBack(deployment: Deployment, facts: RolloutFacts, caught: unknown): Promise<Next> {
  const failure = failureIn(caught);
  if (failure?.type === 'rollout-superseded') return deployOutcome(facts, 'superseded', null, [failure.message]);
  await abort(deployment, facts, isCancellation(caught) ? 'cancelled' : reasonOf(failure ?? caught));
  throw caught;
}

function failureIn(caught: unknown): ApplicationFailure | undefined {
  return caught instanceof Error && caught.cause instanceof ApplicationFailure ? caught.cause : undefined;
}
