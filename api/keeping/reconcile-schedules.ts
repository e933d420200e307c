import type { Scope } from '../../contracts/identifiers.ts';
import type { StoredSchedule } from '../../contracts/runs/schedule.ts';
import { scheduleId } from '../../contracts/runs/workflows.ts';
import type { ApiDependencies } from '../api-dependencies.ts';

type Parts = Pick<ApiDependencies, 'repositories' | 'workflowClient'>;

/**
 * Describes how Temporal's schedule differs from the row; returns `undefined` if it does not. `fix` removes the
 * difference.
 */
export async function compareSchedule(
  parts: Parts,
  scope: Scope,
  schedule: StoredSchedule,
  fix: boolean,
): Promise<string | undefined> {
  const what = await parts.workflowClient.scheduleDifference(scope, schedule.name, schedule);
  if (what !== undefined && fix) await followRow(parts, scope, schedule.name);
  return what;
}

/** Returns the ids of schedules that exist in Temporal but not in the database. `fix` removes them from Temporal. */
export async function straySchedules(
  { repositories, workflowClient }: Parts,
  fix: boolean,
): Promise<readonly string[]> {
  // Reads ids before rows. A row is written before its schedule, so a schedule that is just being set does not count as
  // stray.
  const ids = await workflowClient.scheduleIds();
  const rows = await repositories.schedules.all();
  const known = new Set(rows.map(({ scope, schedule }) => scheduleId(scope, schedule.name)));
  const strays = ids.filter((id) => !known.has(id));
  if (fix) for (const id of strays) await workflowClient.removeScheduleById(id);
  return strays;
}

/** Maximum number of attempts. If the row changes more often meanwhile, the next reconciliation handles it. */
const looksAtMost = 10;

/**
 * Makes Temporal's schedule match the row, and repeats this if the row changed meanwhile. So if several processes write to
 * Temporal in any order, the last one to finish has written the current row.
 */
export async function followRow({ repositories, workflowClient }: Parts, scope: Scope, name: string): Promise<void> {
  let row = await rowOf(repositories, scope, name);
  for (let looks = 0; looks < looksAtMost; looks += 1) {
    await (row === undefined
      ? workflowClient.removeSchedule(scope, name)
      : workflowClient.setSchedule(scope, name, row));
    const since = await rowOf(repositories, scope, name);
    if (wordsOf(since) === wordsOf(row)) return;
    row = since;
  }
}

async function rowOf(
  { schedules }: Parts['repositories'],
  scope: Scope,
  name: string,
): Promise<StoredSchedule | undefined> {
  return (await schedules.list(scope)).find((schedule) => schedule.name === name);
}

function wordsOf(row: StoredSchedule | undefined): string | undefined {
  return row && `${row.cron} ${row.timezone} ${row.paused} ${row.overlap}`;
}
