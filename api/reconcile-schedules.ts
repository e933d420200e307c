import type { Scope } from '../contracts/identifiers.ts';
import type { StoredSchedule } from '../contracts/schedule.ts';
import { scheduleId } from '../contracts/workflows.ts';
import type { ApiDependencies } from './dependencies.ts';

type Parts = Pick<ApiDependencies, 'repositories' | 'workflowClient'>;

/** How Temporal's schedule differs from the row, in words; with `fix` it does so no more. Undefined: it does not. */
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

/** Ids of Temporal's schedules that no row has; with `fix` they are removed. */
export async function straySchedules(
  { repositories, workflowClient }: Parts,
  fix: boolean,
): Promise<readonly string[]> {
  // Ids first, rows second: a row comes before its schedule, so one that is being set is no stray.
  const ids = await workflowClient.scheduleIds();
  const rows = await repositories.schedules.all();
  const known = new Set(rows.map(({ scope, schedule }) => scheduleId(scope, schedule.name)));
  const strays = ids.filter((id) => !known.has(id));
  if (fix) for (const id of strays) await workflowClient.removeScheduleById(id);
  return strays;
}

/** A row that changes more often than that meanwhile is left to the next reconciliation. */
const looksAtMost = 10;

/**
 * Makes Temporal's schedule what the row says, and looks at the row again afterwards: of several processes that write to
 * Temporal, in whatever order, the last one has written what the row says then.
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
