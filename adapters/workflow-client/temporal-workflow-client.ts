import type { TLSConfig } from '@temporalio/client';
import {
  Client,
  Connection,
  defaultGrpcRetryOptions,
  makeGrpcRetryInterceptor,
  WithStartWorkflowOperation,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { PerennialError } from '../../contracts/errors.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import { scopeLabel } from '../../contracts/identifiers.ts';
import type { LifecycleInput } from '../../contracts/runs/workflows.ts';
import {
  advanceUpdate,
  lifecycleWorkflow,
  lifecycleWorkflowId,
  nudgeSignal,
  scheduleId,
  workflowQueue,
} from '../../contracts/runs/workflows.ts';
import type { Logger } from '../../ports/logger.ts';
import type { WorkflowClient } from '../../ports/workflow-client.ts';
import { coalescedCalls } from './coalesced-calls.ts';
import { grpcStatus, grpcStatusOf, refusedByTemporal, temporalUnavailable } from './grpc-failures.ts';
import { collections, scheduleOwn, signing, startCollection } from './own-schedules.ts';
import { retryFailedTask } from './retry-failed-task.ts';
import { deleteSchedule, listScheduleIds, putSchedule, scheduleDifference, startFiring } from './temporal-schedules.ts';
import { modelAttribute } from './register-search-attributes.ts';

export { registerSearchAttributes } from './register-search-attributes.ts';

export interface TemporalSettings {
  /** `host:port` */
  readonly address: string;
  readonly namespace: string;
  readonly tls?: TLSConfig | true;
  readonly apiKey?: string;
  readonly logger: Logger;
}

export interface TemporalWorkflowClient extends WorkflowClient {
  close(): Promise<void>;
}

const callDeadlineMs = 5_000;
/** An update is answered when the lifecycle has acted, which takes longer than another call. */
const advanceDeadlineMs = 10_000;
const checkDeadlineMs = 2_000;

/**
 * Creates a client that connects at the first call, and again whenever the server is back. Every failure of a call
 * becomes `temporal-unavailable`.
 */
export function createTemporalWorkflowClient(settings: TemporalSettings): TemporalWorkflowClient {
  const { address, namespace, logger } = settings;
  const connection = Connection.lazy({
    address,
    // By default gRPC reads http_proxy and https_proxy, and would send even traffic to this machine through the proxy.
    channelArgs: { 'grpc.enable_http_proxy': 0 },
    // The SDK's ten attempts last seconds beyond a deadline, and callers here have their own retries.
    interceptors: [makeGrpcRetryInterceptor(defaultGrpcRetryOptions({ maxAttempts: 4 }))],
    ...(settings.tls === undefined ? {} : { tls: settings.tls }),
    ...(settings.apiKey === undefined ? {} : { apiKey: settings.apiKey }),
  });
  const client = new Client({ connection, namespace });

  async function call<Answer>(doing: string, deadlineMs: number, make: () => Promise<Answer>): Promise<Answer> {
    try {
      return await connection.withDeadline(Date.now() + deadlineMs, make);
    } catch (caught) {
      if (caught instanceof PerennialError) throw caught;
      logger.debug({ doing, err: caught }, 'a call to Temporal failed');
      throw temporalUnavailable(doing, address, caught);
    }
  }

  /** Ignores a workflow that has ended or does not exist, because it needs no message. */
  function tell(doing: string, make: () => Promise<unknown>): Promise<void> {
    return call(doing, callDeadlineMs, async () => {
      try {
        await make();
      } catch (caught) {
        if (!(caught instanceof WorkflowNotFoundError)) throw caught;
      }
    });
  }

  const advance = coalescedCalls(lifecycleWorkflowId, (scope: Scope) =>
    call(`wake the lifecycle of ${scopeLabel(scope)}`, advanceDeadlineMs, () =>
      retryFailedTask(() => updateLifecycle(client, scope)),
    ),
  );

  return {
    advance,
    nudge: (workflowId) =>
      tell(`signal ${workflowId}`, () => client.workflow.getHandle(workflowId).signal(nudgeSignal)),
    cancel: (workflowId) => tell(`cancel ${workflowId}`, () => client.workflow.getHandle(workflowId).cancel()),
    describe: (workflowId) =>
      call(`describe ${workflowId}`, callDeadlineMs, () => describeWorkflow(client, workflowId)),
    runningLifecycles: () => call('list lifecycles', advanceDeadlineMs, () => listRunningLifecycles(client)),
    continuedFrom: (workflowId, executionId) =>
      call(`read the first event of ${workflowId}`, callDeadlineMs, async () => {
        const execution = { workflowId, runId: executionId };
        const { history } = await connection.workflowService.getWorkflowExecutionHistory({
          namespace,
          execution,
          maximumPageSize: 1,
        });
        return predecessorIn(history?.events?.[0]?.workflowExecutionStartedEventAttributes, executionId);
      }),
    setSchedule: (scope, name, schedule) =>
      call(`set the schedule ${name}`, callDeadlineMs, async () => {
        try {
          await putSchedule(client, scope, name, schedule);
        } catch (caught) {
          // For INVALID_ARGUMENT the SDK throws a TypeError when it creates a schedule, and the gRPC error when it
          // updates one.
          if (caught instanceof TypeError || grpcStatusOf(caught) === grpcStatus.invalidArgument)
            throw refusedByTemporal(`the schedule "${schedule.cron}" in ${schedule.timezone}`, caught);
          throw caught;
        }
      }),
    removeSchedule: (scope, name) =>
      call(`remove the schedule ${name}`, callDeadlineMs, () => deleteSchedule(client, scheduleId(scope, name))),
    scheduleDifference: (scope, name, schedule) =>
      call(`describe the schedule ${name}`, callDeadlineMs, () => scheduleDifference(client, scope, name, schedule)),
    scheduleIds: () => call('list schedules', advanceDeadlineMs, () => listScheduleIds(client)),
    removeScheduleById: (id) => call(`remove the schedule ${id}`, callDeadlineMs, () => deleteSchedule(client, id)),
    fireSchedule: (scope, name, at) =>
      call(`fire the schedule ${name}`, callDeadlineMs, () => startFiring(client, scope, name, at)),
    startCollection: (collectionId) =>
      call(`start the collection ${collectionId}`, callDeadlineMs, () => startCollection(client, collectionId)),
    scheduleCollections: (cron) =>
      call('schedule collections', callDeadlineMs, () => scheduleOwn(client, collections, cron)),
    scheduleSigning: (cron) => call('schedule signing', callDeadlineMs, () => scheduleOwn(client, signing, cron)),
    async check() {
      await call('answer', checkDeadlineMs, () => connection.workflowService.describeNamespace({ namespace }));
    },
    close: () => connection.close(),
  };
}

interface Started {
  readonly originalExecutionRunId?: string | null;
  readonly continuedExecutionRunId?: string | null;
}

/**
 * Returns the execution that this one continues, or null. A reset copies the first event of the original execution,
 * including that execution's id.
 */
function predecessorIn(started: Started | null | undefined, executionId: string): string | null {
  if (started?.originalExecutionRunId !== executionId) return null;
  return started.continuedExecutionRunId || null;
}

/** Starts the lifecycle if it does not run, and waits until it has acted on the state in the database. */
async function updateLifecycle(client: Client, scope: Scope): Promise<void> {
  const input: LifecycleInput = { schemaVersion: 1, scope };
  const start = new WithStartWorkflowOperation(lifecycleWorkflow, {
    workflowId: lifecycleWorkflowId(scope),
    taskQueue: workflowQueue,
    workflowIdConflictPolicy: 'USE_EXISTING',
    args: [input],
    typedSearchAttributes: modelAttribute(scope.model),
    staticSummary: `lifecycle of ${scope.model} in ${scope.environment}`,
    staticDetails: `Owns the loop of **${scope.model}** in \`${scope.environment}\` (project \`${scope.project}\`): data, build, deploy, monitor, repeat.\n\nA \`${nudgeSignal}\` signal makes it read the database now.`,
  });
  await client.workflow.executeUpdateWithStart(advanceUpdate, { startWorkflowOperation: start });
}

async function listRunningLifecycles(client: Client): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  const query = `WorkflowType = '${lifecycleWorkflow}' AND ExecutionStatus = 'Running'`;
  for await (const { workflowId } of client.workflow.list({ query, pageSize: 1_000 })) ids.add(workflowId);
  return ids;
}

async function describeWorkflow(client: Client, workflowId: string): ReturnType<WorkflowClient['describe']> {
  try {
    const { status } = await client.workflow.getHandle(workflowId).describe();
    return status.name === 'RUNNING' || status.name === 'PAUSED'
      ? { state: 'running' }
      : { state: 'closed', status: status.name };
  } catch (caught) {
    if (caught instanceof WorkflowNotFoundError) return { state: 'absent' };
    throw caught;
  }
}
