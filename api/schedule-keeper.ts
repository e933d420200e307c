import { PerennialError, reasonOf } from '../contracts/errors.ts';
import type { Scope } from '../contracts/identifiers.ts';
import { scopeLabel } from '../contracts/identifiers.ts';
import type { Schedule, ScheduleInput } from '../contracts/schedule.ts';
import type { ApiDependencies } from './dependencies.ts';

const waitingLimit = 10_000;

/** Schedules are decided in the database; Temporal's follow, at once or as soon as it answers. */
export interface ScheduleKeeper {
  put(scope: Scope, name: string, schedule: ScheduleInput, by: string): Promise<Omit<Schedule, 'nextRuns'>>;
  /** One that is not there is no error. */
  remove(scope: Scope, name: string, by: string): Promise<void>;
  nextRuns(scope: Scope, name: string): Promise<Schedule['nextRuns']>;
  /** Brings to Temporal what it has not been told, the first time everything. Never rejects. */
  catchUp(): Promise<void>;
}

type Dependencies = Pick<ApiDependencies, 'repositories' | 'workflowClient' | 'logger'>;

export function createScheduleKeeper({ repositories, workflowClient, logger }: Dependencies): ScheduleKeeper {
  const waiting = new Map<string, { readonly scope: Scope; readonly name: string }>();
  let sawAll = false;

  function waitFor(scope: Scope, name: string): void {
    if (waiting.size < waitingLimit) waiting.set(`${scopeLabel(scope)}/${name}`, { scope, name });
    else sawAll = false;
  }

  async function find(scope: Scope, name: string): Promise<Omit<Schedule, 'nextRuns'> | undefined> {
    return (await repositories.schedules.list(scope)).find((schedule) => schedule.name === name);
  }

  /** Makes Temporal's schedule what the row says now, so that it may run twice and in any order. */
  async function follow(scope: Scope, name: string): Promise<void> {
    const row = await find(scope, name);
    await (row ? workflowClient.setSchedule(scope, name, inputOf(row)) : workflowClient.removeSchedule(scope, name));
  }

  async function followOrWait(scope: Scope, name: string): Promise<void> {
    try {
      await follow(scope, name);
    } catch (caught) {
      if (!isAbsence(caught)) throw caught;
      waitFor(scope, name);
      logger.warn(
        { scope: scopeLabel(scope), schedule: name, reason: reasonOf(caught) },
        'a schedule waits for Temporal',
      );
    }
  }

  async function noteAll(): Promise<void> {
    for (const scope of await repositories.models.scopes()) {
      for (const { name } of await repositories.schedules.list(scope)) waitFor(scope, name);
    }
    sawAll = true;
  }

  return {
    async put(scope, name, schedule, by) {
      const before = await find(scope, name);
      const row = await repositories.schedules.put(scope, name, schedule, by);
      try {
        await followOrWait(scope, name);
      } catch (caught) {
        // Temporal will not have it: the row says again what was there.
        await (before
          ? repositories.schedules.put(scope, name, inputOf(before), by)
          : repositories.schedules.remove(scope, name, by));
        throw caught;
      }
      return row;
    },
    async remove(scope, name, by) {
      if (!(await find(scope, name))) return;
      await repositories.schedules.remove(scope, name, by);
      await followOrWait(scope, name);
    },
    async nextRuns(scope, name) {
      try {
        return [...(await workflowClient.nextRuns(scope, name))];
      } catch (caught) {
        logger.warn(
          { scope: scopeLabel(scope), schedule: name, reason: reasonOf(caught) },
          'the next runs of a schedule are not known',
        );
        return [];
      }
    },
    async catchUp() {
      try {
        if (!sawAll) await noteAll();
        for (const [key, { scope, name }] of waiting) {
          await follow(scope, name).catch((caught: unknown) => {
            if (isAbsence(caught)) throw caught;
            logger.error(
              { scope: scopeLabel(scope), schedule: name, reason: reasonOf(caught) },
              'Temporal refuses a schedule; set it anew',
            );
          });
          waiting.delete(key);
        }
      } catch (caught) {
        logger.warn({ reason: reasonOf(caught) }, 'schedules still wait for Temporal');
      }
    },
  };
}

function isAbsence(caught: unknown): boolean {
  return caught instanceof PerennialError && caught.retryable;
}

function inputOf({ cron, timezone, paused, overlap }: ScheduleInput): ScheduleInput {
  return { cron, timezone, paused, overlap };
}
