import type { Client, ScheduleOptions, ScheduleOptionsStartWorkflowAction, Workflow } from '@temporalio/client';
import {
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  WorkflowExecutionAlreadyStartedError,
} from '@temporalio/client';
import type { Instant, Scope } from '../../contracts/identifiers.ts';
import type { ScheduleInput } from '../../contracts/runs/schedule.ts';
import { canonicalTimeZone } from '../../contracts/time/time-zone.ts';
import type { ScheduledTriggerInput } from '../../contracts/runs/workflows.ts';
import { scheduledTriggerWorkflow, scheduleId, workflowQueue } from '../../contracts/runs/workflows.ts';
import { calendarOfCron, calendarOfTemporal } from './cron-fields.ts';
import { modelAttribute } from './register-search-attributes.ts';

type Action = ScheduleOptionsStartWorkflowAction<Workflow>;

const overlapPolicy = {
  skip: ScheduleOverlapPolicy.SKIP,
  'buffer-one': ScheduleOverlapPolicy.BUFFER_ONE,
  'allow-all': ScheduleOverlapPolicy.ALLOW_ALL,
} as const satisfies Record<ScheduleInput['overlap'], ScheduleOverlapPolicy>;

/**
 * Longest delay after which Temporal still makes up for a missed firing. The API's keeper makes up for older ones from
 * the database: only the latest, once.
 */
const catchupWindowMs = 60_000;

/** Creates the schedule, or replaces the one of that name. The result is the same. */
export async function putSchedule(client: Client, scope: Scope, name: string, schedule: ScheduleInput): Promise<void> {
  const { action, ...options } = scheduleOptions(scope, name, schedule);
  try {
    await client.schedule.create<Workflow>({ ...options, action });
  } catch (caught) {
    if (!(caught instanceof ScheduleAlreadyRunning)) throw caught;
    await client.schedule
      .getHandle(options.scheduleId)
      .update<Workflow>(() => ({ spec: options.spec, policies: options.policies, state: options.state, action }));
  }
}

function scheduleOptions(scope: Scope, name: string, schedule: ScheduleInput) {
  return {
    scheduleId: scheduleId(scope, name),
    spec: { cronExpressions: [schedule.cron], timezone: zoneOf(schedule) },
    policies: { overlap: overlapPolicy[schedule.overlap], catchupWindow: catchupWindowMs },
    state: { paused: schedule.paused },
    action: {
      type: 'startWorkflow',
      workflowType: scheduledTriggerWorkflow,
      workflowId: firingId(scope, name),
      ...firing(scope, name),
      staticDetails: `Sends the lifecycle of **${scope.model}** in \`${scope.environment}\` a \`schedule\` trigger: \`${schedule.cron}\` in ${schedule.timezone}.`,
    } satisfies Action,
  } satisfies ScheduleOptions<Action>;
}

/** Returns the exact name of the time zone, because Temporal's server knows no other. */
function zoneOf({ timezone }: ScheduleInput): string {
  return canonicalTimeZone(timezone) ?? timezone;
}

/** Returns the prefix of a firing's workflow id, to which Temporal adds the instant. */
function firingId(scope: Scope, name: string): string {
  return `${scheduleId(scope, name)}/fired`;
}

function firing(scope: Scope, name: string) {
  const input: ScheduledTriggerInput = { schemaVersion: 1, scope, schedule: name };
  return {
    taskQueue: workflowQueue,
    args: [input],
    typedSearchAttributes: modelAttribute(scope.model),
    staticSummary: `schedule ${name} of ${scope.model}`,
  };
}

/** Starts a firing under the workflow id that Temporal would use, so that it starts only once. */
export async function startFiring(client: Client, scope: Scope, name: string, at: Instant): Promise<void> {
  try {
    await client.workflow.start(scheduledTriggerWorkflow, {
      workflowId: `${firingId(scope, name)}-${at.slice(0, 19)}Z`,
      workflowIdConflictPolicy: 'USE_EXISTING',
      workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
      ...firing(scope, name),
    });
  } catch (caught) {
    if (!(caught instanceof WorkflowExecutionAlreadyStartedError)) throw caught;
  }
}

/** Most schedules that are listed. Of a larger installation, only part is checked. */
const listedAtMost = 10_000;

/** Returns a sentence that says how Temporal's schedule differs, or undefined if it does not. */
export async function scheduleDifference(
  client: Client,
  scope: Scope,
  name: string,
  schedule: ScheduleInput,
): Promise<string | undefined> {
  try {
    const { spec, policies, state } = await client.schedule.getHandle(scheduleId(scope, name)).describe();
    const [calendar, ...more] = spec.calendars ?? [];
    const fires = calendar !== undefined && more.length === 0 && (spec.intervals ?? []).length === 0;
    if (!fires || calendarOfTemporal(calendar) !== calendarOfCron(schedule.cron))
      return `Temporal fires the schedule at other times than "${schedule.cron}"`;
    if ((spec.timezone ?? 'UTC') !== zoneOf(schedule))
      return `Temporal fires the schedule in ${spec.timezone ?? 'UTC'}, not in ${schedule.timezone}`;
    if (state.paused !== schedule.paused) return `in Temporal the schedule is ${state.paused ? 'paused' : 'running'}`;
    if (policies.overlap !== overlapPolicy[schedule.overlap]) return `Temporal treats overlaps as ${policies.overlap}`;
    if (policies.catchupWindow !== catchupWindowMs) return 'Temporal catches up on missed firings in a different way';
    return undefined;
  } catch (caught) {
    if (caught instanceof ScheduleNotFoundError) return 'Temporal does not have the schedule';
    throw caught;
  }
}

export async function listScheduleIds(client: Client): Promise<readonly string[]> {
  const ids: string[] = [];
  for await (const { scheduleId: id, action } of client.schedule.list({ pageSize: 500 })) {
    if (id.includes('/schedule/') && action?.workflowType === scheduledTriggerWorkflow) ids.push(id);
    if (ids.length === listedAtMost) break;
  }
  return ids;
}

/** Deletes the schedule. A schedule that does not exist is not an error. */
export async function deleteSchedule(client: Client, id: string): Promise<void> {
  try {
    await client.schedule.getHandle(id).delete();
  } catch (caught) {
    if (!(caught instanceof ScheduleNotFoundError)) throw caught;
  }
}
