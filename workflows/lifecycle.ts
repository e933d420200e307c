import {
  ActivityFailure,
  allHandlersFinished,
  ApplicationFailure,
  condition,
  continueAsNew,
  defineSignal,
  defineUpdate,
  getExternalWorkflowHandle,
  isCancellation,
  log,
  ParentClosePolicy,
  rootCause,
  setHandler,
  startChild,
  TimeoutFailure,
  workflowInfo,
  WorkflowIdReusePolicy,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { isErrorCode, reasonOf, retryBoundOf } from '../contracts/errors.ts';
import type { LifecycleOrders } from '../contracts/runs/lifecycle-plan.ts';
import type { LifecycleInput } from '../contracts/runs/workflows.ts';
import { advanceUpdate, nudgeSignal } from '../contracts/runs/workflows.ts';
import { lifecycleSteps } from '../contracts/pipelines/lifecycle-steps.ts';
import { pipelines } from '../contracts/pipelines/pipelines.ts';
import { stepsOf } from './running/step-proxies.ts';
import { pipelineAttributes } from './running/search-attributes.ts';

/** Time to the next look after one that failed. A nudge or an update causes an earlier one. */
const lookAgainMs = 600_000;

/**
 * Owns the loop of one {model, environment}. The database says what is to be done. This workflow only looks at it, one
 * look at a time, starts what may start, and sleeps until it is woken or something is due. Therefore a repeated update,
 * a nudge by hand or a lost nudge changes nothing.
 *
 * Commands arrive as an update and not as a signal, because an update tells the caller that its command was acted on.
 */
export async function lifecycle(input: LifecycleInput): Promise<void> {
  let asked = 1;
  let looked = 0;
  setHandler(defineSignal(nudgeSignal), () => {
    asked += 1;
  });
  setHandler(defineUpdate(advanceUpdate), async () => {
    asked += 1;
    const mine = asked;
    await condition(() => looked >= mine);
  });

  let dueByTimer = true;
  while (!workflowInfo().continueAsNewSuggested) {
    const upTo = asked;
    const orders = await lookOrNot(input, dueByTimer);
    if (orders === undefined) {
      await condition(() => asked > upTo, lookAgainMs);
      continue;
    }
    await carryOut(input, orders);
    looked = upTo;
    if (orders.ended) {
      // A command that arrives now may have restored the archived model, so it gets a look before the workflow ends.
      await condition(() => allHandlersFinished() || asked > upTo);
      if (asked === upTo) return;
    }
    const woken = () => asked > looked;
    dueByTimer = !(await (orders.wakeInMs === null
      ? condition(woken).then(() => true)
      : condition(woken, Math.max(1, orders.wakeInMs))));
  }
  // Releases the updates that still wait. The next execution begins with a look, which they do not wait for.
  looked = Number.MAX_SAFE_INTEGER;
  await condition(allHandlersFinished);
  await continueAsNew<typeof lifecycle>(input);
}

/**
 * Returns undefined if the look failed. The lifecycle looks again later, because without it nothing in the environment
 * would move.
 */
async function lookOrNot({ scope }: LifecycleInput, reconcile: boolean): Promise<LifecycleOrders | undefined> {
  try {
    return await stepsOf(lifecycleSteps).advanceLifecycle({ scope, reconcile });
  } catch (caught) {
    if (isCancellation(caught) || !mayPass(caught)) throw caught;
    log.warn('the lifecycle could not read the database; it tries again later', {
      reason: rootCause(caught) ?? reasonOf(caught),
    });
    return undefined;
  }
}

/**
 * Whether a later look may succeed: the failed look has used up its retries (contracts/errors.ts), or no worker took
 * it.
 */
function mayPass(caught: unknown): boolean {
  const cause = caught instanceof ActivityFailure ? caught.cause : undefined;
  if (cause instanceof TimeoutFailure) return true;
  const code = cause instanceof ApplicationFailure ? (cause.type ?? '') : '';
  return code === 'step-lost' || (isErrorCode(code) && retryBoundOf(code) !== undefined);
}

async function carryOut(input: LifecycleInput, orders: LifecycleOrders): Promise<void> {
  for (const order of orders.start) await startRun(input, order);
  for (const { workflowId } of orders.cancel) await tell(workflowId, 'cancel');
  for (const workflowId of orders.nudge) await tell(workflowId, 'nudge');
}

async function startRun({ scope }: LifecycleInput, order: LifecycleOrders['start'][number]): Promise<void> {
  try {
    await startChild(pipelines[order.kind].workflow, {
      workflowId: order.workflowId,
      // Allows a second start for a workflow that failed without ending its run.
      workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
      // The child outlives this execution, and reports its end by the run's row and a nudge.
      parentClosePolicy: ParentClosePolicy.ABANDON,
      args: [{ schemaVersion: 1, runId: order.runId, scope }],
      typedSearchAttributes: pipelineAttributes(scope.model, order.because),
      staticSummary: `${order.kind} of ${scope.model}: ${order.because}`.slice(0, 190),
      staticDetails: `Run \`${order.runId}\` of **${scope.model}** in \`${scope.environment}\`, because: ${order.because}.\n\nPerennial's record of the run is authoritative; a \`nudge\` signal makes the workflow read it again.`,
    });
  } catch (caught) {
    // An earlier order has already started the workflow. The run's row shows that as soon as the run begins.
    if (!(caught instanceof WorkflowExecutionAlreadyStartedError)) throw caught;
  }
}

async function tell(workflowId: string, what: 'cancel' | 'nudge'): Promise<void> {
  const workflow = getExternalWorkflowHandle(workflowId);
  try {
    await (what === 'cancel' ? workflow.cancel() : workflow.signal(nudgeSignal));
  } catch {
    // The workflow has already ended; its run's row says how.
  }
}
