import type { ActivityOptions } from '@temporalio/workflow';
import { proxyActivities } from '@temporalio/workflow';
import type {
  CodeActivities,
  CollectionActivities,
  DataActivities,
  DeployActivities,
  LedgerActivities,
  LifecycleActivities,
  MonitorActivities,
  QueueActivities,
  RehearsalActivities,
  RetentionActivities,
  TrainActivities,
} from '../../activities/activity-types.ts';

// One retry policy. An activity itself makes a failure final when a retry cannot help or its retries are used up
// (activities/steps/retry-end.ts). It sends a heartbeat every second (activities/steps/instrument.ts), so Temporal notices a dead
// worker within 10 s.
const common: ActivityOptions = {
  heartbeatTimeout: '10s',
  retry: { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '15s' },
};

/**
 * Time limits of one attempt and of all attempts together. The second ends a step that no worker takes, or on which every
 * worker dies. It is longer than any bound of the error table (contracts/errors.ts) plus one attempt, so that a step
 * normally ends with its own error and not with a timeout.
 */
interface Times {
  readonly startToCloseTimeout: `${number}${'m' | 'h'}`;
  readonly scheduleToCloseTimeout: `${number}${'m' | 'h'}`;
}

/** Activities of one queue; each has a line that stands beside it on the timeline of the Temporal UI. */
function activitiesOn<Activities>(
  options: Times & { readonly taskQueue: string },
  summaries: { readonly [Name in keyof Activities]: string },
) {
  return new Proxy(proxyActivities<Activities>({ ...common, ...options }), {
    get(_target, name) {
      const summary: unknown = Reflect.get(summaries, name);
      if (typeof summary !== 'string') return undefined;
      return Reflect.get(proxyActivities({ ...common, ...options, summary }), name);
    },
  });
}

export const lifecycleActivities = activitiesOn<LifecycleActivities>(
  { taskQueue: 'deploy', startToCloseTimeout: '2m', scheduleToCloseTimeout: '26h' },
  {
    advanceLifecycle: 'look at the database: what is to be done now?',
    recordScheduleTrigger: 'note that the schedule fired',
    beginRun: 'the run begins',
    concludeRun: 'the run ends',
  },
);

export const dataActivities = activitiesOn<DataActivities>(
  { taskQueue: 'data', startToCloseTimeout: '6h', scheduleToCloseTimeout: '36h' },
  {
    fetchSource: 'fetch what the source has',
    prepareDataset: 'parse, check and store the batch',
    profileDataset: 'profile every column',
    commitDataset: 'commit the version, move the data head',
    commitCode: 'make the archive canonical, commit it',
  },
);

/** A server that is away for longer than this is not told. */
export const codeActivities = activitiesOn<CodeActivities>(
  { taskQueue: 'data', startToCloseTimeout: '1m', scheduleToCloseTimeout: '15m' },
  { reportCommitStatus: 'tell the commit what became of it' },
);

export const queueActivities = activitiesOn<QueueActivities>(
  { taskQueue: 'deploy', startToCloseTimeout: '1m', scheduleToCloseTimeout: '26h' },
  {
    queueOfBuild: 'which workers are to train it?',
    queueOfConfirmation: 'was it measured against what serves now? if not, which workers are to?',
  },
);

/** On the queue that the configuration names. Training has its own time limit inside; this one bounds what went unnoticed. */
export function trainActivitiesOn(taskQueue: string): TrainActivities {
  return activitiesOn<TrainActivities>(
    { taskQueue, startToCloseTimeout: '168h', scheduleToCloseTimeout: '240h' },
    {
      materialiseEnvironment: "make the code's environment, once a lock",
      resolveBuild: 'fix the rows and the training key',
      trainModel: 'run the training command',
      commitVersion: 'load the artifact apart, commit the version',
      evaluateVersion: 'measure on the holdout, judge by the gates',
      citeEvaluation: 'the refitted version cites the evaluation',
      confirmEvaluation: 'measure again, against what serves now',
    },
  );
}

export const deployActivities = activitiesOn<DeployActivities>(
  { taskQueue: 'deploy', startToCloseTimeout: '10m', scheduleToCloseTimeout: '26h' },
  {
    requestApproval: 'make the release, ask for its approval',
    tallyApproval: 'count the votes',
    beginRollout: 'take the rollout, if what serves is unchanged',
    raiseGeneration: 'raise the generation: new weights',
    awaitGateways: 'wait until every live gateway has it',
    replayToCanary: 'replay rows until the canary has had enough',
    judgeCanary: 'has the canary answered enough, and well?',
    notifyOfApproval: 'tell whoever wants to know of the request',
    judgeShadow: 'has the shadow been compared enough, and how does it differ?',
    endRollout: 'give the rollout back',
    abortRollout: 'what served before serves alone again',
    rollBack: 'the target serves alone, promotion is on hold',
  },
);

export const monitorActivities = activitiesOn<MonitorActivities>(
  { taskQueue: 'monitor', startToCloseTimeout: '1h', scheduleToCloseTimeout: '28h' },
  {
    collectWindow: 'have the gateways hand over, fix the window',
    reportWindow: 'test for drift and performance, report',
    notifyOfReport: 'tell whoever wants to know of findings',
  },
);

export const retentionActivities = activitiesOn<RetentionActivities>(
  { taskQueue: 'monitor', startToCloseTimeout: '1h', scheduleToCloseTimeout: '28h' },
  {
    expirePredictions: 'let go of predictions whose retention has passed',
    expireRejectedVersions: 'let go of rejected versions whose retention has passed',
  },
);

export const collectionActivities = activitiesOn<CollectionActivities>(
  { taskQueue: 'monitor', startToCloseTimeout: '1h', scheduleToCloseTimeout: '28h' },
  {
    beginCollection: 'begin a collection',
    markReachable: 'mark what rows of the database name',
    sweepGarbage: 'remove what is old and unmarked',
    endCollection: 'the collection ends',
  },
);

export const ledgerActivities = activitiesOn<LedgerActivities>(
  { taskQueue: 'monitor', startToCloseTimeout: '1h', scheduleToCloseTimeout: '28h' },
  { signHeads: 'sign the heads of chains that have grown' },
);

export const rehearsalActivities = activitiesOn<RehearsalActivities>(
  { taskQueue: 'rehearsal', startToCloseTimeout: '6h', scheduleToCloseTimeout: '36h' },
  {
    planRehearsal: 'write the rows to rehearse on',
    servePeriod: "serve the period's rows, deliver their labels",
    commandPeriod: 'send the lifecycle a command',
    lookAtRun: 'is the run over?',
    settlePeriod: 'vote; does nothing move any more?',
    recordPeriod: 'tell the period',
    finishRehearsal: 'sum up',
  },
);
