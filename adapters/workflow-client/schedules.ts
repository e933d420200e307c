import type { Client, ScheduleOptions, ScheduleOptionsStartWorkflowAction, Workflow } from '@temporalio/client';
import { ScheduleAlreadyRunning, ScheduleNotFoundError, ScheduleOverlapPolicy } from '@temporalio/client';
import type { Instant, Scope } from '../../contracts/identifiers.ts';
import { scopeLabel } from '../../contracts/identifiers.ts';
import type { ScheduleInput } from '../../contracts/schedule.ts';
import type { ScheduledTriggerInput } from '../../contracts/workflows.ts';
import { scheduledTriggerWorkflow, workflowQueue } from '../../contracts/workflows.ts';
import { modelAttribute } from './search-attributes.ts';

type Action = ScheduleOptionsStartWorkflowAction<Workflow>;

const overlapPolicy = {
  skip: ScheduleOverlapPolicy.SKIP,
  'buffer-one': ScheduleOverlapPolicy.BUFFER_ONE,
  'allow-all': ScheduleOverlapPolicy.ALLOW_ALL,
} as const satisfies Record<ScheduleInput['overlap'], ScheduleOverlapPolicy>;

/** Firings that were missed for longer than this are not made up for. Its default is documented in two ways. */
const catchupWindow = '1 hour';

export function scheduleId(scope: Scope, name: string): string {
  return `${scopeLabel(scope)}/schedule/${name}`;
}

/** Makes the schedule, or changes the one of that name; both leave the same. */
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
  const input: ScheduledTriggerInput = { schemaVersion: 1, scope, schedule: name };
  return {
    scheduleId: scheduleId(scope, name),
    spec: { cronExpressions: [schedule.cron], timezone: schedule.timezone },
    policies: { overlap: overlapPolicy[schedule.overlap], catchupWindow },
    state: { paused: schedule.paused },
    action: {
      type: 'startWorkflow',
      workflowType: scheduledTriggerWorkflow,
      workflowId: `${scheduleId(scope, name)}/fired`,
      taskQueue: workflowQueue,
      args: [input],
      typedSearchAttributes: modelAttribute(scope.model),
      staticSummary: `schedule ${name} of ${scope.model}`,
      staticDetails: `Sends the lifecycle of **${scope.model}** in \`${scope.environment}\` a \`schedule\` trigger: \`${schedule.cron}\` in ${schedule.timezone}.`,
    } satisfies Action,
  } satisfies ScheduleOptions<Action>;
}

/** One that is gone is no error. */
export async function deleteSchedule(client: Client, scope: Scope, name: string): Promise<void> {
  try {
    await client.schedule.getHandle(scheduleId(scope, name)).delete();
  } catch (caught) {
    if (!(caught instanceof ScheduleNotFoundError)) throw caught;
  }
}

/** When it fires next; none when it is paused or absent. */
export async function nextFirings(client: Client, scope: Scope, name: string): Promise<readonly Instant[]> {
  try {
    const { state, info } = await client.schedule.getHandle(scheduleId(scope, name)).describe();
    return state.paused ? [] : info.nextActionTimes.map((time) => time.toISOString());
  } catch (caught) {
    if (caught instanceof ScheduleNotFoundError) return [];
    throw caught;
  }
}
