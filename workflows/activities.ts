import { proxyActivities } from '@temporalio/workflow';
import type {
  DataActivities,
  DeployActivities,
  LifecycleActivities,
  MonitorActivities,
  RehearsalActivities,
  TrainActivities,
} from '../activities/activity-types.ts';

// One retry policy: what cannot get better by itself is thrown as non-retryable by the activities, so everything
// else is tried until it works. A heartbeat every second (activities/instrument.ts) tells a dead worker within 10 s.
const retry = { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '15s' } as const;
const heartbeatTimeout = '10s';

export const lifecycleActivities = proxyActivities<LifecycleActivities>({
  taskQueue: 'deploy',
  startToCloseTimeout: '2m',
  heartbeatTimeout,
  retry,
});
export const dataActivities = proxyActivities<DataActivities>({
  taskQueue: 'data',
  startToCloseTimeout: '6h',
  heartbeatTimeout,
  retry,
});
/** Training has its own time limit inside; this one only bounds what went unnoticed. */
export const trainActivities = proxyActivities<TrainActivities>({
  taskQueue: 'train',
  startToCloseTimeout: '7d',
  heartbeatTimeout,
  retry,
});
export const deployActivities = proxyActivities<DeployActivities>({
  taskQueue: 'deploy',
  startToCloseTimeout: '10m',
  heartbeatTimeout,
  retry,
});
export const monitorActivities = proxyActivities<MonitorActivities>({
  taskQueue: 'monitor',
  startToCloseTimeout: '1h',
  heartbeatTimeout,
  retry,
});
export const rehearsalActivities = proxyActivities<RehearsalActivities>({
  taskQueue: 'monitor',
  startToCloseTimeout: '6h',
  heartbeatTimeout,
  retry,
});
