import type { NativeConnection, WorkerOptions } from '@temporalio/worker';
import { Worker } from '@temporalio/worker';
import type { Activities } from '../contracts/pipelines/steps.ts';
import { stepQueues } from '../contracts/pipelines/steps.ts';
import { workflowQueue } from '../contracts/runs/workflows.ts';

const shutdownGraceTime = '5s';

export interface WorkerParts {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly workflowBundle: { readonly code: string };
  readonly activities: Partial<Activities>;
  /** `train` and the other training queues. */
  readonly trainQueues: readonly string[];
  /** Build id for worker versioning; undefined without versioning. */
  readonly buildId: string | undefined;
}

/**
 * By default, Temporal retries an execution that this code cannot replay for ever. These settings make it fail instead,
 * and its run is then restarted from its row (activities/lifecycle).
 */
const endsWhenNotReplayed = { '*': ['NondeterminismError', 'DeterminismViolationError'] };

export const deploymentName = 'perennial';
type WorkerDeploymentOptions = NonNullable<WorkerOptions['workerDeploymentOptions']>;

export interface RunningWorkers {
  /** Settles when every worker has stopped; rejects if one failed. */
  readonly stopped: Promise<void>;
  isRunning(): boolean;
  stop(): void;
}

/** Polls the workflow queue and every activity queue over one connection. */
export async function runWorkers(parts: WorkerParts): Promise<RunningWorkers> {
  const { connection, namespace, workflowBundle, activities, trainQueues, buildId } = parts;
  const shared = { connection, namespace, shutdownGraceTime } as const;
  // Only the worker of workflows is versioned. Activities may run on any version of the code, because their effects are
  // keyed by content.
  const workflows = Worker.create({
    ...shared,
    taskQueue: workflowQueue,
    workflowBundle,
    workflowFailureErrorTypes: endsWhenNotReplayed,
    ...(buildId === undefined ? {} : { workerDeploymentOptions: versionOf(buildId) }),
  });
  const queues = [...stepQueues].flatMap(([queue, atOnce]) =>
    (queue === 'train' ? trainQueues : [queue]).map((taskQueue) =>
      Worker.create({
        ...shared,
        taskQueue,
        activities,
        maxConcurrentActivityTaskExecutions: atOnce,
        maxHeartbeatThrottleInterval: '1s',
      }),
    ),
  );
  const workers = await Promise.all([workflows, ...queues]);
  const running = workers.map((worker) => worker.run());
  const stop = (): void => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  // If one worker fails, the others stop too: a supervisor notices an ended process, but not a worker that serves only
  // some queues.
  const stopped = Promise.all(
    running.map((run) =>
      run.catch((caught: unknown) => {
        stop();
        throw caught;
      }),
    ),
  ).then(() => undefined);
  return { stopped, stop, isRunning: () => workers.every((worker) => worker.getState() === 'RUNNING') };
}

/** Executions continue on the current version of the code, because the workers of the version before will stop. */
function versionOf(buildId: string): WorkerDeploymentOptions {
  return {
    useWorkerVersioning: true,
    version: { deploymentName, buildId },
    defaultVersioningBehavior: 'AUTO_UPGRADE',
  };
}
