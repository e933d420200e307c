import { ApplicationFailure, CancellationScope, ContinueAsNew, isCancellation, sleep } from '@temporalio/workflow';
import { type CanaryVerdict, deployRuns, type RolloutFacts } from '../../contracts/pipelines/deploy-runs.ts';
import { reasonOf } from '../../contracts/errors.ts';
import { stepsOf } from '../running/step-proxies.ts';
import type { Baking, Deployment, DeployOutcome, Next } from './deploy-progress.ts';
import { deployOutcome } from './deploy-progress.ts';
import { loadOnGateways } from './load-on-gateways.ts';
import { untilNextLook } from '../running/until-next-look.ts';
import { backOff } from '../running/waiting.ts';

const deploySteps = stepsOf(deployRuns);

/** The metric is judged only this often, because judging it reads the prediction logs of the gateways. */
const metricEveryMs = 30_000;
const telling = { firstMs: 100, longestMs: 2_000 };
const toldWithinMs = 60_000;

/**
 * Returns the weights that the rollout goes through; 0 is the shadow. The first release gets 100 at once, because there
 * is no champion to compare it with.
 */
function weightsOf({ championDigest, shadow, steps }: RolloutFacts): readonly number[] {
  if (championDigest === null) return [100];
  return shadow === null ? steps : [0, ...steps];
}

/** Raises the generation for the first step. The run must hold the rollout. */
export function beginSteps(deployment: Deployment, facts: RolloutFacts): Promise<Next> {
  return orBack(deployment, facts, () => raise(deployment, facts, 0, []));
}

/** Bakes a step, then raises the next one. An abort condition that is met ends the rollout at once. */
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
  const weight = weightsOf(facts)[step] ?? 100;
  const { generation } = await deploySteps.raiseGeneration({ runId, scope, weight });
  await loadOnGateways({ runId, scope }, generation);
  if (weight < 100) return { phase: 'bake', facts, step, generation, begunAt: Date.now(), told };
  await deploySteps.endRollout({ runId, scope });
  return deployOutcome(facts, 'promoted', generation, told);
}

/** Under a virtual clock a step does not wait out its bake time; it replays requests instead. */
async function replayStep(deployment: Deployment, at: Baking): Promise<Next> {
  const { runId, scope } = deployment.input;
  await deploySteps.replayToCanary({ runId, scope, generation: at.generation });
  const verdict = await judgeReplayed(deployment, at);
  if (verdict.verdict !== 'pass') return abort(deployment, at.facts, verdict.reason);
  return (await raiseIfDue(deployment, at, verdict)) ?? bakeStep(deployment, at);
}

/**
 * Waits for the counts of replayed requests. Gateways report them once a second; a killed gateway reports after its
 * restart.
 */
async function judgeReplayed(deployment: Deployment, at: Baking): Promise<CanaryVerdict> {
  const giveUpAt = Date.now() + toldWithinMs;
  for (const nextPause = backOff(telling); ;) {
    const verdict = await judge(deployment, at, false);
    if (verdict.verdict !== 'insufficient' || Date.now() >= giveUpAt) return verdict;
    await sleep(nextPause());
  }
}

/**
 * Bakes for at least the time of the strategy, and then until there were enough requests or `onInsufficient` decides.
 */
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
  return weightsOf(facts)[step] === 0;
}

function judge({ input }: Deployment, at: Baking, withMetric: boolean): Promise<CanaryVerdict> {
  const { runId, scope } = input;
  const { generation, facts } = at;
  const step = { runId, scope, generation, releaseDigest: facts.releaseDigest };
  return isShadow(at) ? deploySteps.judgeShadow(step) : deploySteps.judgeCanary({ ...step, withMetric });
}

/**
 * Raises the next step. Returns undefined if this step is not over yet by the database's clock and counts, so that the
 * caller looks again later. The report of a shadow is kept for the outcome of the deployment.
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
  const { generation } = await deploySteps.abortRollout({ runId, scope, reason });
  return deployOutcome(facts, 'aborted', generation, [reason]);
}

/** Runs work of a rollout. If it fails, makes the champion serve alone again before the failure is reported. */
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
