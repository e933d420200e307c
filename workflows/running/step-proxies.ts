import type { ActivityInterfaceFor, ActivityOptions } from '@temporalio/workflow';
import { proxyActivities } from '@temporalio/workflow';
import type { ActivitiesOf, AnyStep, StepGroup } from '../../contracts/pipelines/step.ts';

// The only retry policy. An activity itself makes a failure final if a retry cannot help or its retries are used up
// (activities/steps/retry-end.ts). It sends a heartbeat every second (activities/steps/instrument.ts), so Temporal
// notices a dead worker within 10 s.
const common: ActivityOptions = {
  heartbeatTimeout: '10s',
  retry: { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '15s' },
};

/**
 * Returns functions that call the steps of a group, each with the queue and time limits that it declares.
 *
 * @param trainingQueue the queue that a configuration names; it replaces `train`.
 */
export function stepsOf<Group extends StepGroup>(
  group: Group,
  trainingQueue?: string,
): ActivityInterfaceFor<ActivitiesOf<Group['steps']>> {
  return new Proxy(proxyActivities<ActivitiesOf<Group['steps']>>(optionsOf(group)), {
    get(_target, name) {
      const step = typeof name === 'string' ? group.steps[name] : undefined;
      return step && Reflect.get(proxyActivities(optionsOf(group, step, trainingQueue)), name);
    },
  });
}

function optionsOf(group: StepGroup, step?: AnyStep, trainingQueue?: string): ActivityOptions {
  const { attempt, altogether } = step?.limits ?? group.limits;
  const queue = step?.queue ?? group.queue;
  return {
    ...common,
    taskQueue: queue === 'train' ? (trainingQueue ?? queue) : queue,
    startToCloseTimeout: attempt,
    scheduleToCloseTimeout: altogether,
    ...(step === undefined ? {} : { summary: step.summary }),
  };
}
