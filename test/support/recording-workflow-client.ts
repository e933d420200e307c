import { PerennialError } from '../../contracts/errors.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import { scopeLabel } from '../../contracts/identifiers.ts';
import type { WorkflowClient } from '../../ports/workflow-client.ts';

export interface RecordingWorkflowClient extends WorkflowClient {
  /** The calls in their order, such as `advance bike/production` or `nudge <workflow id>`. */
  readonly calls: string[];
  /** While true, every call fails with `temporal-unavailable`. */
  away: boolean;
}

/** A set that contains every id, so that every lifecycle counts as running. */
class Every extends Set<string> {
  override has(): boolean {
    return true;
  }
}

/** Creates a client that records calls in place of Temporal, so that the API's tests can check them. */
export function createRecordingWorkflowClient(): RecordingWorkflowClient {
  const schedules = new Map<string, string>();
  async function record(call: string): Promise<void> {
    if (client.away) throw new PerennialError('temporal-unavailable', 'Temporal is away');
    client.calls.push(call);
  }
  const named = (scope: Scope, name: string) => `${scopeLabel(scope)}/${name}`;
  const client: RecordingWorkflowClient = {
    calls: [],
    away: false,
    advance: (scope) => record(`advance ${scopeLabel(scope)}`),
    nudge: (id) => record(`nudge ${id}`),
    cancel: (id) => record(`cancel ${id}`),
    runningLifecycles: async () => new Every(),
    describe: async () => ({ state: 'absent' }),
    continuedFrom: async () => null,
    async setSchedule(scope, name, { cron }) {
      await record(`set ${named(scope, name)} ${cron}`);
      schedules.set(named(scope, name), cron);
    },
    async removeSchedule(scope, name) {
      await record(`remove ${named(scope, name)}`);
      schedules.delete(named(scope, name));
    },
    async scheduleDifference(scope, name, { cron }) {
      await record(`compare ${named(scope, name)}`);
      const known = schedules.get(named(scope, name));
      return known === undefined ? 'Temporal does not have the schedule' : known === cron ? undefined : 'other times';
    },
    async scheduleIds() {
      await record('list schedules');
      return [...schedules.keys()].map((key) => key.replace(/\/([^/]*)$/, '/schedule/$1'));
    },
    async removeScheduleById(id) {
      await record(`remove ${id}`);
      schedules.delete(id.replace('/schedule/', '/'));
    },
    fireSchedule: (scope, name, at) => record(`fire ${named(scope, name)} ${at}`),
    startCollection: (id) => record(`collect ${id}`),
    scheduleCollections: (cron) => record(`collect at ${cron}`),
    scheduleSigning: (cron) => record(`sign at ${cron}`),
    check: () => record('check'),
  };
  return client;
}
