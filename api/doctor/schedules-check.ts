import type { Scope } from '../../contracts/identifiers.ts';
import { scheduleId } from '../../contracts/workflows.ts';
import type { Check, Looked, Parts } from './check.ts';

const wayOut = 'perennial doctor --fix makes Temporal’s schedule what the row says';
const scopesAPage = 50;

/** The database holds schedules, and Temporal follows: what differs is made what the rows say, in both directions. */
export const checkSchedules: Check = async (parts, { after, fix }) => {
  const scopes = await parts.repositories.models.scopes();
  const from = Number(after ?? 0);
  const some = scopes.slice(from, from + scopesAPage);
  const problems: Looked['problems'][number][] = [];
  let examined = 0;
  for (const scope of some) {
    const looked = await compareScope(parts, scope, fix);
    examined += looked.examined;
    problems.push(...looked.problems);
  }
  if (from + some.length < scopes.length) return { examined, problems, next: String(from + some.length) };
  return { examined, problems: [...problems, ...(await strays(parts, fix))] };
};

async function compareScope({ repositories, workflowClient }: Parts, scope: Scope, fix: boolean): Promise<Looked> {
  const schedules = await repositories.schedules.list(scope);
  const problems: Looked['problems'][number][] = [];
  for (const { name, cron, timezone, paused, overlap } of schedules) {
    const row = { cron, timezone, paused, overlap };
    const difference = await workflowClient.scheduleDifference(scope, name, row);
    if (difference === undefined) continue;
    if (fix) await workflowClient.setSchedule(scope, name, row);
    const subject = `schedule ${scheduleId(scope, name)}`;
    problems.push({ subject, what: difference, state: fix ? 'mended' : 'found', wayOut });
  }
  return { examined: schedules.length, problems };
}

/** Ids first, rows second: a row comes before its schedule, so one that is being set is none. */
async function strays({ repositories, workflowClient }: Parts, fix: boolean): Promise<Looked['problems']> {
  const ids = await workflowClient.scheduleIds();
  const known = new Set<string>();
  for (const scope of await repositories.models.scopes())
    for (const { name } of await repositories.schedules.list(scope)) known.add(scheduleId(scope, name));
  const problems: Looked['problems'][number][] = [];
  for (const id of ids.filter((one) => !known.has(one))) {
    if (fix) await workflowClient.removeScheduleById(id);
    problems.push({
      subject: `schedule ${id}`,
      what: 'Temporal has it, and no row of the database',
      state: fix ? 'mended' : 'found',
      wayOut: 'perennial doctor --fix removes it from Temporal; perennial schedule set makes one with a row',
    });
  }
  return problems;
}
