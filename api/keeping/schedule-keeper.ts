import { PerennialError, reasonOf } from '../../contracts/errors.ts';
import { owedFiring } from '../../contracts/time/firings.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import { scopeLabel } from '../../contracts/identifiers.ts';
import type { ScheduleInput, StoredSchedule } from '../../contracts/runs/schedule.ts';
import type { ApiDependencies } from '../api-dependencies.ts';
import { compareSchedule, followRow, straySchedules } from './reconcile-schedules.ts';

const waitingLimit = 10_000;
/** How often rows and Temporal's schedules are compared in both directions. */
const reconcileEveryMs = 5 * 60_000;
/** How often missed firings are looked for. */
const makeUpEveryMs = 30_000;
/** A firing counts as missed if Temporal has not fired within this time. */
const firesWithinMs = 60_000;

/**
 * The database holds the schedules. Temporal's are synchronised to it, immediately or when Temporal is reachable again,
 * and firings that Temporal missed are made up from the rows. Several API processes may do this at once, because every
 * operation is idempotent.
 */
export interface ScheduleKeeper {
  put(scope: Scope, name: string, schedule: ScheduleInput, by: string): Promise<StoredSchedule>;
  /** Removes a schedule. Does nothing if there is none. */
  remove(scope: Scope, name: string, by: string): Promise<void>;
  /**
   * Sends pending changes to Temporal, compares all schedules at the first call and every few minutes, and makes up
   * missed firings. Never rejects.
   */
  catchUp(): Promise<void>;
}

type Dependencies = Pick<ApiDependencies, 'repositories' | 'workflowClient' | 'clock' | 'logger'>;

export function createScheduleKeeper(dependencies: Dependencies): ScheduleKeeper {
  const { repositories, logger } = dependencies;
  const waiting = new Map<string, { readonly scope: Scope; readonly name: string }>();
  const reconcile = everySoOften(reconcileEveryMs, () => reconcileAll(dependencies));
  const makeUp = everySoOften(makeUpEveryMs, () => makeUpMissed(dependencies));

  async function find(scope: Scope, name: string): Promise<StoredSchedule | undefined> {
    return (await repositories.schedules.list(scope)).find((schedule) => schedule.name === name);
  }

  async function followOrWait(scope: Scope, name: string): Promise<void> {
    try {
      await followRow(dependencies, scope, name);
    } catch (caught) {
      if (!isAbsence(caught)) throw caught;
      // When the map is full, the next reconciliation finds the schedule.
      if (waiting.size < waitingLimit) waiting.set(`${scopeLabel(scope)}/${name}`, { scope, name });
      logger.warn(
        { scope: scopeLabel(scope), schedule: name, reason: reasonOf(caught) },
        'a changed schedule waits for Temporal',
      );
    }
  }

  async function tellWhatWaits(): Promise<void> {
    for (const [key, { scope, name }] of waiting) {
      await followRow(dependencies, scope, name).catch((caught: unknown) => {
        if (isAbsence(caught)) throw caught;
        logger.error(
          { scope: scopeLabel(scope), schedule: name, reason: reasonOf(caught) },
          'Temporal refuses a schedule; set it again',
        );
      });
      waiting.delete(key);
    }
  }

  return {
    async put(scope, name, schedule, by) {
      const before = await find(scope, name);
      const row = await repositories.schedules.put(scope, name, schedule, by);
      try {
        await followOrWait(scope, name);
      } catch (caught) {
        // Temporal refused the schedule, so the row gets its previous content back.
        await (before
          ? repositories.schedules.put(scope, name, before, by)
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
    async catchUp() {
      try {
        await tellWhatWaits();
        await reconcile();
        await makeUp();
      } catch (caught) {
        logger.warn({ reason: reasonOf(caught) }, 'schedules still wait for Temporal');
      }
    },
  };
}

/** Does the work at the first call, and then at most once per `everyMs`. Failed work is due again at the next call. */
function everySoOften(everyMs: number, work: () => Promise<void>): () => Promise<void> {
  let doneAt = Number.NEGATIVE_INFINITY;
  return async () => {
    if (performance.now() - doneAt < everyMs) return;
    await work();
    doneAt = performance.now();
  };
}

async function reconcileAll(dependencies: Dependencies): Promise<void> {
  const { repositories, logger } = dependencies;
  for (const { scope, schedule } of await repositories.schedules.all()) {
    const subject = { scope: scopeLabel(scope), schedule: schedule.name };
    try {
      const what = await compareSchedule(dependencies, scope, schedule, true);
      if (what !== undefined)
        logger.info({ ...subject, what }, 'a schedule in Temporal differed from its row and was corrected');
    } catch (caught) {
      if (isAbsence(caught)) throw caught;
      logger.error({ ...subject, reason: reasonOf(caught) }, 'Temporal refuses a schedule; set it again');
    }
  }
  for (const id of await straySchedules(dependencies, true))
    logger.info({ schedule: id }, 'a schedule in Temporal without a row was removed');
}

/**
 * Requests firings that Temporal missed, because it was down or because its calendar lacks the time. The activity reads
 * the row and decides whether to fire.
 */
async function makeUpMissed({ repositories, workflowClient, clock, logger }: Dependencies): Promise<void> {
  const upTo = new Date(Date.parse(clock.now()) - firesWithinMs).toISOString();
  for (const { scope, schedule, archived } of await repositories.schedules.all()) {
    const at = archived ? undefined : owedFiring(schedule, upTo);
    if (at === undefined) continue;
    logger.info(
      { scope: scopeLabel(scope), schedule: schedule.name, at },
      'a schedule missed a firing, which is made up now',
    );
    await workflowClient.fireSchedule(scope, schedule.name, at);
  }
}

function isAbsence(caught: unknown): boolean {
  return caught instanceof PerennialError && caught.retryable;
}
